//! The verbs. Each is a file of `verbs/`: its arguments, what it does, and how the result is shown.
//!
//! A new one is a file there, and here a module, a variant of [`Verb`] (whose comment is its help) and an arm of [`Verb::execute`]. What
//! the variants say and their order is what `mainstay --help` shows.

mod allocate;
mod backfill;
mod compare;
#[cfg(feature = "simulator")]
mod generate;
mod import_profile;
mod model;
mod promote;
mod rollback;
mod run;
mod schedule;
mod score;
mod show;
mod train;
mod verify;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use crate::flags::GlobalArguments;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run a job for one day.
    Run(run::RunArguments),
    /// Run a job for every day of a range, in order; days that are done are left alone.
    Backfill(backfill::BackfillArguments),
    /// When a job runs next by its `schedule:`, or the files that make systemd or cron run it.
    Schedule(schedule::ScheduleArguments),
    /// Show what was published.
    #[command(subcommand)]
    Show(show::Shown),
    /// Check published days (files, population, suppression, offers, plan, reasons, budget, privacy), or a plan of `mainstay allocate`.
    Verify(verify::VerifyArguments),
    /// Generate the data of a simulated retailer.
    #[cfg(feature = "simulator")]
    Generate(generate::GenerateArguments),
    /// Registered models: versions, history, cards. Files of models of any origin: bring in, look at, hand on.
    #[command(subcommand)]
    Model(model::ModelVerb),
    /// Point an alias to a version of a model, if its gates have passed and it is not worse than what is there.
    Promote(promote::PromoteArguments),
    /// Take back the newest change of an alias.
    Rollback(rollback::RollbackArguments),
    /// Two versions of a model beside one another, on the same rows.
    Compare(compare::CompareArguments),
    /// What the tables of a source hold, and what looks wrong with them: a findings file beside mainstay.yml.
    ImportProfile(import_profile::ImportProfileArguments),
    /// Train a model on the rows of a Parquet file, and judge it on rows that it has not seen; needs no project.
    Train(Box<train::TrainArguments>),
    /// Choose one offer a customer under a budget and rules, with a proof of how near the optimum it is; needs no project.
    Allocate(allocate::AllocateArguments),
    /// Add scores, and on request reasons and contributions, to the rows of a Parquet file; needs no project.
    Score(score::ScoreArguments),
}

impl Verb {
    /// Executes the verb, and says how the process ends.
    pub(crate) async fn execute(self, global: &GlobalArguments) -> Result<ExitCode> {
        match self {
            Self::Run(arguments) => run::execute(global, arguments).await,
            Self::Backfill(arguments) => backfill::execute(global, arguments).await,
            Self::Schedule(arguments) => schedule::execute(global, &arguments),
            Self::Show(shown) => show::execute(global, shown).await,
            Self::Verify(arguments) => verify::execute(global, arguments).await,
            #[cfg(feature = "simulator")]
            Self::Generate(arguments) => generate::execute(global, &arguments),
            Self::Model(verb) => model::execute(global, verb).await,
            Self::Promote(arguments) => promote::execute(global, arguments).await,
            Self::Rollback(arguments) => rollback::execute(global, arguments).await,
            Self::Compare(arguments) => compare::execute(global, &arguments).await,
            Self::ImportProfile(arguments) => import_profile::execute(global, &arguments).await,
            Self::Train(arguments) => train::execute(global, &arguments),
            Self::Allocate(arguments) => allocate::execute(global, &arguments),
            Self::Score(arguments) => score::execute(global, &arguments),
        }
    }

    /// Asks for what no default may stand for.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if let Self::Train(train) = self { train.check() } else { Ok(()) }
    }
}
