//! Typed, validated settings: the project file, its jobs and their policies.
//!
//! Every value is checked where it is read, and every error names file, line and column, shows the line, and says what to do.
//! [`Project::load`] is the way in; it and `load` are the only code that touches files. The rest works on texts:
//! [`JobConfig::parse`], [`Policy::parse`], [`VarOverrides::parse`]. What the settings name (models, SQL, data) is not looked at here.

pub mod algorithm;
pub mod breaker;
pub mod cron;
pub mod error;
pub mod job;
pub mod offer_policy;
pub mod policy;
mod policy_changes;
pub mod project;
pub mod rule_rows;
pub mod rules;
pub mod schedule;
pub mod settings;
pub mod source;
pub mod target;
pub mod text;
mod time_limit;
pub mod training;
pub mod vars;

mod checks;
mod load;
mod message;
mod place;
mod scalar;
mod yaml;

pub use breaker::CircuitBreaker;
pub use error::{ConfigError, Diagnostic, UnknownName};
pub use job::{DailyJob, JobConfig};
pub use offer_policy::{OfferPolicy, OfferPolicyFile};
pub use policy::Policy;
pub use policy_changes::policy_changes;
pub use project::Project;
pub use rule_rows::Catalogue;
pub use rules::AllocationRules;
pub use settings::ProjectConfig;
pub use source::{Source, SourceTable};
pub use target::Target;
pub use training::TrainingJob;
pub use vars::{VarOverrides, VarValue, Variables};

#[cfg(test)]
mod tests;
