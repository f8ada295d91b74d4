//! Variables of a project: declared in `mainstay.yml`, overridden by `--vars`, used as `{{ var('x') }}`.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;

use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value};
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Visitor};

use crate::error::{ConfigError, UnknownName};
use crate::place::Place;
use crate::yaml::{self, Document};

/// Steps that a template may take: far beyond what a path needs, and the end of an endless loop.
const TEMPLATE_FUEL: u64 = 10_000;

/// The value of a variable, of the type that it is declared with.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum VarValue {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Double(f64),
    /// Any other text.
    Text(String),
}

impl VarValue {
    /// Reads a text as a value of the same type as this one.
    fn read_alike(&self, text: &str) -> Option<Self> {
        match self {
            Self::Boolean(_) => text.parse().ok().map(Self::Boolean),
            Self::Integer(_) => text.parse().ok().map(Self::Integer),
            Self::Double(_) => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Self::Double),
            Self::Text(_) => Some(Self::Text(text.to_owned())),
        }
    }

    fn type_name(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "true or false",
            Self::Integer(_) => "a whole number",
            Self::Double(_) => "a number",
            Self::Text(_) => "a text",
        }
    }
}

impl fmt::Display for VarValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Double(value) => value.fmt(f),
            Self::Text(value) => f.pad(value),
        }
    }
}

impl From<&VarValue> for Value {
    fn from(value: &VarValue) -> Self {
        match value {
            VarValue::Boolean(value) => Self::from(*value),
            VarValue::Integer(value) => Self::from(*value),
            VarValue::Double(value) => Self::from(*value),
            VarValue::Text(value) => Self::from(value.as_str()),
        }
    }
}

impl<'de> Deserialize<'de> for VarValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(VarValueVisitor)
    }
}

struct VarValueVisitor;

impl<'de> Visitor<'de> for VarValueVisitor {
    type Value = VarValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true or false")
    }

    fn visit_bool<E>(self, value: bool) -> Result<VarValue, E> {
        Ok(VarValue::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<VarValue, E> {
        Ok(VarValue::Integer(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<VarValue, E> {
        i64::try_from(value).map(VarValue::Integer).map_err(|_| E::custom(format!("{value} is too large a number")))
    }

    fn visit_f64<E>(self, value: f64) -> Result<VarValue, E> {
        Ok(VarValue::Double(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<VarValue, E> {
        Ok(VarValue::Text(value.to_owned()))
    }
}

/// The variables given with `--vars`, as texts: their types are those of the declared variables.
#[derive(Debug, Clone, Default)]
pub struct VarOverrides(Option<Document<BTreeMap<String, String>>>);

impl VarOverrides {
    /// Reads `data: /x, active_days: 30` or a YAML map. An empty text overrides nothing.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        let is_map = text.starts_with('{') || text.contains('\n');
        let map = if is_map { text.to_owned() } else { format!("{{{text}}}") };
        yaml::parse("--vars", &map).map(Some).map(Self)
    }
}

/// The variables of a project with their values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Variables(BTreeMap<String, VarValue>);

impl Variables {
    pub(crate) fn new(declared: BTreeMap<String, VarValue>) -> Self {
        Self(declared)
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Result<&VarValue, UnknownName> {
        self.0.get(name).ok_or_else(|| UnknownName::new("variable", name, self.0.keys()))
    }

    /// All variables in the order of their names.
    pub fn all(&self) -> &BTreeMap<String, VarValue> {
        &self.0
    }

    /// Puts the overrides in place of the declared values.
    pub(crate) fn with_overrides(mut self, overrides: &VarOverrides) -> Result<Self, ConfigError> {
        let Some(document) = &overrides.0 else { return Ok(self) };
        let (texts, place) = document.parts();
        for (name, text) in texts {
            let declared = self.get(name).map_err(|unknown| place.name_of(name).unknown(&unknown))?;
            let value = declared.read_alike(text).ok_or_else(|| {
                let expected = declared.type_name();
                place.key(name).error(format!("variable `{name}` is {expected} in mainstay.yml, found `{text}`"))
            })?;
            self.0.insert(name.clone(), value);
        }
        Ok(self)
    }

    /// Renders a template that stands at `place`; `environment` looks up `env_var('X')`.
    pub(crate) fn render(
        &self,
        template: &str,
        place: Place<'_>,
        environment: EnvLookup,
    ) -> Result<String, ConfigError> {
        self.templates(environment).render_str(template, ()).map_err(|error| {
            if let Some(unknown) = error.source().and_then(|source| source.downcast_ref::<UnknownName>()) {
                return place.unknown(unknown);
            }
            let reason = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            let help = "templates know {{ var('x') }} and {{ env_var('X') }}";
            place.error_with_help(format!("cannot render the template: {reason}"), help)
        })
    }

    fn templates(&self, environment: EnvLookup) -> Environment<'static> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_fuel(Some(TEMPLATE_FUEL));
        let variables = self.clone();
        templates.add_function("var", move |name: &str| -> Result<Value, minijinja::Error> {
            let unknown =
                |name| minijinja::Error::new(ErrorKind::InvalidOperation, "unknown variable").with_source(name);
            variables.get(name).map(Value::from).map_err(unknown)
        });
        templates.add_function("env_var", move |name: &str| -> Result<String, minijinja::Error> {
            let unset = || format!("environment variable `{name}` is not set");
            environment(name).ok_or_else(|| minijinja::Error::new(ErrorKind::InvalidOperation, unset()))
        });
        templates
    }
}

/// Looks up a variable of the environment.
pub(crate) type EnvLookup = fn(&str) -> Option<String>;

#[cfg(test)]
mod tests {
    use super::*;

    fn declared() -> Variables {
        Variables::new(BTreeMap::from([
            ("data".into(), VarValue::Text("data".into())),
            ("days".into(), VarValue::Integer(365)),
            ("rate".into(), VarValue::Double(0.3)),
            ("strict".into(), VarValue::Boolean(true)),
        ]))
    }

    fn overridden(text: &str) -> Result<Variables, String> {
        let overrides = VarOverrides::parse(text).map_err(|error| error.to_string())?;
        declared().with_overrides(&overrides).map_err(|error| error.to_string())
    }

    #[test]
    fn overrides_take_the_declared_types() {
        let expected = Variables::new(BTreeMap::from([
            ("data".into(), VarValue::Text("2024".into())),
            ("days".into(), VarValue::Integer(30)),
            ("rate".into(), VarValue::Double(1.0)),
            ("strict".into(), VarValue::Boolean(false)),
        ]));
        for text in [
            "data: 2024, days: 30, rate: 1, strict: false",
            "{data: 2024, days: 30, rate: 1, strict: false}",
            "data: 2024\ndays: 30\nrate: 1\nstrict: false",
        ] {
            assert_eq!(overridden(text).unwrap(), expected, "{text}");
        }
        assert_eq!(overridden(" ").unwrap(), declared());
        assert_eq!(overridden("data: s3://bucket/raw").unwrap().get("data").unwrap().to_string(), "s3://bucket/raw");
    }

    #[test]
    fn an_undeclared_override_is_refused() {
        let expected = "\
--vars:1:2: unknown variable `dta`, did you mean `data`?
  |
1 | {dta: x}
  |  ^^^
  = known variables: data, days, rate, strict";
        assert_eq!(overridden("dta: x").unwrap_err(), expected);
    }

    #[test]
    fn an_override_of_another_type_is_refused() {
        let expected = "\
--vars:1:8: variable `days` is a whole number in mainstay.yml, found `many`
  |
1 | {days: many}
  |        ^^^^";
        assert_eq!(overridden("days: many").unwrap_err(), expected);
        assert!(overridden("rate: inf").is_err());
        assert!(overridden("strict: yes").is_err());
    }

    #[test]
    fn overrides_that_are_no_map_are_refused() {
        let expected = "\
--vars:1:6: expected a value, found nothing
  |
1 | {data}
  |      ^";
        assert_eq!(overridden("data").unwrap_err(), expected);
    }

    fn rendered(template: &str) -> Result<String, String> {
        let document = yaml::parse::<String>("mainstay.yml", &format!("\"{template}\"")).unwrap();
        let environment: EnvLookup = |name| (name == "HOME_LAKE").then(|| "s3://lake".into());
        declared().render(template, document.place(), environment).map_err(|error| error.to_string())
    }

    #[test]
    fn templates_see_variables_and_environment() {
        let template =
            "{{ env_var('HOME_LAKE') }}/{{ var('data') }}/{{ var('days') }}/{{ var('rate') }}/{{ var('strict') }}";
        assert_eq!(rendered(template).unwrap(), "s3://lake/data/365/0.3/True");
        assert_eq!(rendered("data/<a>").unwrap(), "data/<a>");
    }

    #[test]
    fn templates_fail_with_what_is_known() {
        let unknown = "\
mainstay.yml:1:1: unknown variable `dat`, did you mean `data`?
  |
1 | \"{{ var('dat') }}\"
  | ^^^^^^^^^^^^^^^^^^
  = known variables: data, days, rate, strict";
        assert_eq!(rendered("{{ var('dat') }}").unwrap_err(), unknown);
        let first_line = |template: &str| rendered(template).unwrap_err().lines().next().unwrap().to_owned();
        let prefix = "mainstay.yml:1:1: cannot render the template:";
        assert_eq!(first_line("{{ env_var('X') }}"), format!("{prefix} environment variable `X` is not set"));
        assert_eq!(first_line("{{ data }}"), format!("{prefix} `data` is undefined"));
        assert_eq!(first_line("{{ ref('x') }}"), format!("{prefix} ref is unknown"));
        assert_eq!(
            first_line("{% for a in range(9999) %}{{ a }}{% endfor %}"),
            format!("{prefix} engine ran out of fuel")
        );
    }
}
