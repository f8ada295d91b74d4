//! A project: a folder with `mainstay.yml`, `sql/` and `jobs/`, laid over the project that it extends.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use crate::error::{ConfigError, UnknownName};
use crate::job::{DailyJob, JobConfig};
use crate::load;
use crate::place::Place;
use crate::policy::Policy;
use crate::schedule;
use crate::settings::{Layers, ProjectConfig};
use crate::target::Target;
use crate::training::TrainingJob;
use crate::vars::{VarOverrides, Variables};
use crate::yaml::Document;

/// A project, loaded and checked. Its jobs and policies are read when they are asked for.
///
/// A project that `extends` another has, next to what is its own:
/// - the SQL models and jobs of its base wherever it has none of the same name;
/// - the variables of its base, its own values before those of the base;
/// - `targets`, `default_target`, `currency`, `consent_default` and `sources` of its base, each only where it states none.
///
/// A relative path of a source is below the folder of the `mainstay.yml` that states it; that of a target is below the project
/// that is run.
#[derive(Debug)]
pub struct Project {
    layers: Layers,
    config: ProjectConfig,
    variables: Variables,
    target: Target,
    time_zone: TimeZone,
}

impl Project {
    /// Loads the project in a folder, with variables overridden, for a target or its default one.
    ///
    /// Reads the variables of the environment that its templates name.
    pub fn load(folder: &Path, overrides: &VarOverrides, target: Option<&str>) -> Result<Self, ConfigError> {
        let environment = |name: &str| std::env::var(name).ok();
        let layers = load::layers(folder)?;
        let variables = layers.variables().with_overrides(overrides)?;
        let config = layers.config(&variables, environment)?;
        let target = layers.target(target.unwrap_or(&config.default_target), &variables, environment)?;
        let time_zone = schedule::time_zone(&config.time_zone, layers.own.file.place().key("time_zone"))?;
        Ok(Self { layers, config, variables, target, time_zone })
    }

    /// The settings that hold.
    pub fn config(&self) -> &ProjectConfig {
        &self.config
    }

    /// The folder of the project, absolute.
    pub fn root(&self) -> &Path {
        &self.layers.own.folder
    }

    /// The folder of the project that this one extends, absolute.
    pub fn base(&self) -> Option<&Path> {
        self.layers.bases.first().map(|base| base.folder.as_path())
    }

    /// The variables with their values.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// Where this run writes.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The time zone whose midnights bound a day.
    pub fn time_zone(&self) -> TimeZone {
        self.time_zone.clone()
    }

    /// The folders of SQL that exist: the project's own, then its base's. A model of an earlier folder hides one of a later.
    pub fn sql_folders(&self) -> Vec<PathBuf> {
        load::existing_folders(self.layers.iter().map(|layer| layer.folder.join("sql")))
    }

    /// The names of all jobs, the base's among them, in alphabetical order.
    pub fn job_names(&self) -> Result<BTreeSet<String>, ConfigError> {
        let mut names = BTreeSet::new();
        for layer in self.layers.iter() {
            names.extend(load::stems(&layer.folder.join("jobs"), &load::show(&layer.shown, "jobs"))?);
        }
        Ok(names)
    }

    /// A job by its name, the project's own before its base's. What it names is checked: its policy file and training job exist.
    pub fn job(&self, name: &str) -> Result<JobConfig, ConfigError> {
        let unknown = |names| ConfigError::Unknown(UnknownName::new("job", name, names));
        let document = match self.read_job(name)? {
            Some(document) => document,
            None => return Err(unknown(self.job_names()?)),
        };
        match &document.value {
            JobConfig::Daily(job) => {
                self.check_policy(job, document.place())?;
                self.check_training(job, document.place())?;
            }
            JobConfig::Training(job) => self.check_scored_with(job, document.place())?,
        }
        Ok(document.value)
    }

    /// Checks that some training job makes the model that a daily job scores with. A model that is registered needs none.
    pub fn check_model_is_trained(&self, job: &DailyJob) -> Result<(), ConfigError> {
        match self.read_job(&job.name)? {
            Some(document) => self.check_some_job_trains(&job.model, document.place()),
            None => Ok(()),
        }
    }

    /// A policy by its path below the folder `jobs`, the project's own before its base's.
    pub fn policy(&self, path: &str) -> Result<Policy, ConfigError> {
        let (file, text) = self.policy_file(path)?;
        Policy::parse(&file, &text)
    }

    /// The file of a policy as it is shown in messages, and its text.
    pub fn policy_file(&self, path: &str) -> Result<(String, String), ConfigError> {
        let found = self.read_below_jobs(path)?;
        found.ok_or_else(|| ConfigError::NoPolicy { path: path.to_owned(), folders: self.job_folders() })
    }

    fn read_job(&self, name: &str) -> Result<Option<Document<JobConfig>>, ConfigError> {
        if !self.job_names()?.contains(name) {
            return Ok(None);
        }
        let text = self.read_below_jobs(&format!("{name}.yml"))?;
        text.map(|(file, text)| JobConfig::read(&file, &text)).transpose()
    }

    fn read_below_jobs(&self, path: &str) -> Result<Option<(String, String)>, ConfigError> {
        for layer in self.layers.iter() {
            let shown = load::show(&load::show(&layer.shown, "jobs"), path);
            if let Some(text) = load::read(&layer.folder.join("jobs").join(path), &shown)? {
                return Ok(Some((shown, text)));
            }
        }
        Ok(None)
    }

    fn job_folders(&self) -> Vec<String> {
        self.layers.iter().map(|layer| load::show(&layer.shown, "jobs")).collect()
    }

    fn check_policy(&self, job: &DailyJob, place: Place<'_>) -> Result<(), ConfigError> {
        let is_there = self.layers.iter().any(|layer| load::is_file(&layer.folder.join("jobs").join(&job.policy)));
        place.key("policy").ensure(is_there, || {
            format!("no policy file `{}`: looked in {}", job.policy, self.job_folders().join(", "))
        })
    }

    fn check_training(&self, job: &DailyJob, place: Place<'_>) -> Result<(), ConfigError> {
        let Some(name) = &job.train_with else { return Ok(()) };
        let (document, place) = (place, place.key("train_with"));
        match self.read_job(name)?.map(|document| document.value) {
            Some(JobConfig::Training(training)) => {
                self.check_some_job_trains(&job.model, document)?;
                place.ensure(training.model == job.model, || {
                    format!("job `{name}` trains the model `{}`, this one scores with `{}`", training.model, job.model)
                })
            }
            Some(JobConfig::Daily(_)) => Err(place.error(format!("job `{name}` trains no model: its kind is daily"))),
            None => Err(place.unknown(&UnknownName::new("job", name, self.job_names()?))),
        }
    }

    /// Refuses a model that no training job of the project makes, with the nearest one that some job makes.
    fn check_some_job_trains(&self, model: &str, job: Place<'_>) -> Result<(), ConfigError> {
        let mut trained = BTreeSet::new();
        for name in self.job_names()? {
            // A file that is broken is refused where it is run.
            if let Ok(Some(Document { value: JobConfig::Training(training), .. })) = self.read_job(&name) {
                trained.insert(training.model);
            }
        }
        if trained.contains(model) {
            return Ok(());
        }
        let unmade = UnknownName::new("model", model, trained);
        let nearest = unmade.nearest().map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default();
        let message = format!("no training job makes model `{model}`{nearest}");
        Err(job.key("model").error_with_help(message, unmade.known_names()))
    }

    /// A training job makes the model that the daily jobs which train with it score with: another one would never score.
    fn check_scored_with(&self, job: &TrainingJob, place: Place<'_>) -> Result<(), ConfigError> {
        for name in self.job_names()? {
            if let Ok(Some(Document { value: JobConfig::Daily(daily), .. })) = self.read_job(&name)
                && daily.train_with.as_ref() == Some(&job.name)
            {
                place.key("model").ensure(daily.model == job.model, || {
                    format!("job `{name}` scores with the model `{}`, this one trains `{}`", daily.model, job.model)
                })?;
            }
        }
        Ok(())
    }
}
