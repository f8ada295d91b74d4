//! The settings of `mainstay.yml`, and how those of a project are laid over those of its base.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::checks::check_identifier;
use crate::error::{ConfigError, UnknownName};
use crate::place::Place;
use crate::schedule;
use crate::source::{self, Source};
use crate::target::{self, Target, TargetConfig};
use crate::vars::{EnvLookup, VarValue, Variables};
use crate::yaml::{self, Document};

/// The settings of a loaded project: its own, its base's where it has none, variables overridden, paths of sources absolute.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProjectConfig {
    /// Its name.
    pub name: String,
    /// IANA name of the time zone whose midnights bound a day.
    pub time_zone: String,
    /// ISO 4217 code of all money.
    pub currency: String,
    /// The variables with their values.
    pub vars: BTreeMap<String, VarValue>,
    /// The targets as stated: their paths are templates.
    pub targets: BTreeMap<String, TargetConfig>,
    /// The target of a run that names none.
    pub default_target: String,
    /// What the project reads.
    pub sources: Vec<Source>,
    /// What holds for a customer and channel without any record of consent.
    pub consent_default: ConsentDefault,
}

/// What holds for a customer and channel without any record of consent, be there a source of consents or not. A record wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConsentDefault {
    /// The channel may be used.
    Allow,
    /// The channel may not be used.
    Deny,
}

impl fmt::Display for ConsentDefault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        })
    }
}

/// One `mainstay.yml`: what a project reads, and where it writes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProjectFile {
    /// Its name.
    pub(crate) name: String,
    /// IANA name of the time zone whose midnights bound a day: `Europe/Berlin`.
    pub(crate) time_zone: String,
    /// Folder of the project from which all is taken that this one does not state, below the folder of this file.
    pub(crate) extends: Option<String>,
    /// ISO 4217 code of all money, of a currency with two decimals: `EUR`.
    pub(crate) currency: Option<String>,
    /// Variables for templates here and in SQL, `{{ var('name') }}`, each with its value; `--vars` wins over it, of the same type. Those of
    /// the project that this one extends count too.
    #[serde(default)]
    pub(crate) vars: BTreeMap<String, VarValue>,
    /// Places for tables, models and run records, by name.
    pub(crate) targets: Option<BTreeMap<String, TargetConfig>>,
    /// The target of a run that names none with `--target`.
    pub(crate) default_target: Option<String>,
    /// What the project reads, at least one.
    pub(crate) sources: Option<Vec<Source>>,
    /// What holds for a customer and channel without any record of consent.
    pub(crate) consent_default: Option<ConsentDefault>,
}

impl ProjectFile {
    pub(crate) fn parse(file: &str, text: &str) -> Result<Document<Self>, ConfigError> {
        let document = yaml::parse::<Self>(file, text)?;
        let (settings, place) = document.parts();
        settings.check(place)?;
        Ok(document)
    }

    fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        check_identifier(&self.name, place.key("name"))?;
        schedule::time_zone(&self.time_zone, place.key("time_zone"))?;
        if let Some(currency) = &self.currency {
            let is_code = currency.len() == 3 && currency.bytes().all(|letter| letter.is_ascii_uppercase());
            place
                .key("currency")
                .ensure(is_code, || format!("`{currency}` is no currency: use its code, such as USD"))?;
            let decimals = decimals(currency);
            place.key("currency").ensure(decimals == 2, || {
                format!(
                    "`{currency}` has {decimals} decimals, and all money here is counted in hundredths: bring amounts in a currency \
                     that has two"
                )
            })?;
        }
        for name in self.vars.keys() {
            check_identifier(name, place.key("vars").name_of(name))?;
        }
        self.sources.as_ref().map_or(Ok(()), |sources| source::check_sources(sources, place.key("sources")))
    }
}

/// Decimals of a currency by ISO 4217; two, unless it is listed with others.
fn decimals(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

/// A `mainstay.yml` and the folder that it stands in.
#[derive(Debug)]
pub(crate) struct Layer {
    /// Absolute.
    pub(crate) folder: PathBuf,
    /// The folder as the user gave it.
    pub(crate) shown: String,
    pub(crate) file: Document<ProjectFile>,
}

/// A project and its bases, each the base of the one before.
#[derive(Debug)]
pub(crate) struct Layers {
    pub(crate) own: Layer,
    pub(crate) bases: Vec<Layer>,
}

impl Layers {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Layer> {
        std::iter::once(&self.own).chain(&self.bases)
    }

    /// The nearest statement of a setting, and the layer that states it.
    fn stated<'a, T>(
        &'a self,
        key: &str,
        setting: impl Fn(&'a ProjectFile) -> Option<T>,
    ) -> Result<(&'a Layer, T), ConfigError> {
        self.iter().find_map(|layer| Some((layer, setting(&layer.file.value)?))).ok_or_else(|| {
            let place = self.own.file.place();
            match self.own.file.value.extends {
                Some(_) => place.error(format!("missing key `{key}`, here and in the project that this one extends")),
                None => place.error(format!("missing key `{key}`")),
            }
        })
    }

    /// All declared variables; the nearest value of each.
    pub(crate) fn variables(&self) -> Variables {
        let mut declared = BTreeMap::new();
        for layer in self.iter() {
            for (name, value) in &layer.file.value.vars {
                declared.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        Variables::new(declared)
    }

    /// The settings that hold, with these variables.
    pub(crate) fn config(&self, variables: &Variables, environment: EnvLookup) -> Result<ProjectConfig, ConfigError> {
        let own = &self.own.file.value;
        let (_, targets) = self.stated("targets", |file| file.targets.as_ref())?;
        let (by, default_target) = self.stated("default_target", |file| file.default_target.as_ref())?;
        if !targets.contains_key(default_target) {
            let unknown = UnknownName::new("target", default_target, targets.keys());
            return Err(by.file.place().key("default_target").unknown(&unknown));
        }
        Ok(ProjectConfig {
            name: own.name.clone(),
            time_zone: own.time_zone.clone(),
            currency: self.stated("currency", |file| file.currency.clone())?.1,
            vars: variables.all().clone(),
            targets: targets.clone(),
            default_target: default_target.clone(),
            sources: self.sources(variables, environment)?,
            consent_default: self.stated("consent_default", |file| file.consent_default)?.1,
        })
    }

    fn sources(&self, variables: &Variables, environment: EnvLookup) -> Result<Vec<Source>, ConfigError> {
        let (by, sources) = self.stated("sources", |file| file.sources.as_ref())?;
        let place = by.file.place().key("sources");
        let render = |template: &str, place: Place<'_>| variables.render(template, place, environment);
        let resolve = |(index, source): (usize, &Source)| {
            source.resolved(&by.folder, &self.own.file.value.time_zone, place.item(index), render)
        };
        sources.iter().enumerate().map(resolve).collect()
    }

    /// The target of a name. Its path is below the project that is run, also where its base states the target: a base is
    /// shared, results are not.
    pub(crate) fn target(
        &self,
        name: &str,
        variables: &Variables,
        environment: EnvLookup,
    ) -> Result<Target, ConfigError> {
        let (by, targets) = self.stated("targets", |file| file.targets.as_ref())?;
        let unknown = || ConfigError::Unknown(UnknownName::new("target", name, targets.keys()));
        let stated = targets.get(name).ok_or_else(unknown)?;
        let place = by.file.place().key("targets").key(name).key("path");
        let path = variables.render(&stated.path, place, environment)?;
        Ok(Target { name: name.to_owned(), path: target::resolve(&self.own.folder, &path) })
    }
}
