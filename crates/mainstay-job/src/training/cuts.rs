//! Which past days a model learns from, and on which later day it is judged.

use anyhow::{Context, Result, bail};
use mainstay_config::{TrainingJob, VarValue};
use mainstay_run::Run;
use mainstay_schema::Ds;

use crate::details::CutsAsked;
use crate::training::history::History;

/// The cuts of a training: label windows of the training cuts end before the test cut begins.
pub(crate) struct CutPlan {
    /// The cuts that trees are fitted on, ascending, at least one.
    pub(crate) training: Vec<Ds>,
    /// The cuts before these, which only calibrate, ascending.
    pub(crate) calibration_only: Vec<Ds>,
    /// The latest day whose label window is complete.
    pub(crate) test: Ds,
    pub(crate) horizon_days: u32,
    /// How many the job asks for.
    pub(crate) asked: CutsAsked,
}

impl CutPlan {
    /// Every cut whose rows are learnt from, ascending.
    pub(crate) fn learnt(&self) -> impl Iterator<Item = Ds> {
        self.calibration_only.iter().chain(&self.training).copied()
    }

    /// The first cut that trees are fitted on.
    pub(crate) fn fit_from(&self) -> Ds {
        self.training.first().copied().unwrap_or(self.test)
    }

    /// The day before which everything that the model learnt from had happened.
    pub(crate) fn trained_until(&self) -> Ds {
        self.training.last().map_or(self.test, |latest| label_end(*latest, self.horizon_days))
    }
}

/// The day on which the label window of a cut ends, exclusive.
pub(crate) fn label_end(cut: Ds, horizon_days: u32) -> Ds {
    cut.plus_days(i32::try_from(horizon_days).unwrap_or(i32::MAX))
}

/// The cuts of a job as of the run's day, as many as the history allows.
pub(crate) fn plan(run: &Run<'_>, job: &TrainingJob, history: History) -> Result<CutPlan> {
    let horizon_days = horizon_days(run)?;
    let plan = plan_from(run.ds, job, history.regular_from, horizon_days);
    if plan.training.is_empty() {
        let needed = i64::from(job.cuts.minimum_history_days) + 2 * i64::from(horizon_days);
        let History { first_order, regular_from } = history;
        let first = match first_order == regular_from {
            true => format!("the first one is of {first_order}"),
            false => format!("they come regularly from {regular_from} on, though the first one is of {first_order}"),
        };
        bail!(
            "{} needs {needed} days of orders before {}: {first}; take a later --date, or lower minimum_history_days or \
             horizon_days",
            job.name,
            run.ds
        );
    }
    Ok(plan)
}

fn plan_from(ds: Ds, job: &TrainingJob, history_from: Ds, horizon_days: u32) -> CutPlan {
    let back = |day: Ds, days: u32| day.plus_days(-i32::try_from(days).unwrap_or(i32::MAX));
    let test = back(ds, horizon_days);
    let latest = back(test, horizon_days);
    let earliest = history_from.plus_days(i32::try_from(job.cuts.minimum_history_days).unwrap_or(i32::MAX));
    let cuts = (0..job.cuts.calibration).map(|step| back(latest, step.saturating_mul(job.cuts.step_days)));
    let mut training: Vec<Ds> = cuts.take_while(|cut| *cut >= earliest).collect();
    let mut calibration_only = training.split_off(training.len().min(job.cuts.training as usize));
    training.reverse();
    calibration_only.reverse();
    let asked = CutsAsked { training: job.cuts.training, calibration: job.cuts.calibration };
    CutPlan { training, calibration_only, test, horizon_days, asked }
}

fn horizon_days(run: &Run<'_>) -> Result<u32> {
    let value = run.open.project.variables().get("horizon_days")?;
    match value {
        VarValue::Integer(days) if *days > 0 => u32::try_from(*days).context("horizon_days is too large"),
        other => bail!("variable horizon_days must be a whole number of days above 0, found {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ds(text: &str) -> Ds {
        text.parse().unwrap()
    }

    fn job() -> TrainingJob {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../jobs/train_churn.yml");
        let text = std::fs::read_to_string(file).unwrap();
        let mainstay_config::JobConfig::Training(job) = mainstay_config::JobConfig::parse(file, &text).unwrap() else {
            panic!("train_churn is a training job");
        };
        *job
    }

    #[test]
    fn no_training_label_reaches_into_the_test_cut() {
        let plan = plan_from(ds("2011-11-30"), &job(), ds("2009-12-01"), 90);
        assert_eq!(plan.test, ds("2011-09-01"));
        assert_eq!(plan.training.last(), Some(&ds("2011-06-03")));
        assert_eq!(plan.trained_until(), plan.test);
        let learnt: Vec<Ds> = plan.learnt().collect();
        assert!(learnt.is_sorted());
        assert_eq!((learnt.len(), plan.training.len(), learnt[0]), (13, 8, ds("2010-06-08")));
        assert_eq!(plan.asked.shortfall(plan.training.len(), learnt.len()), None);
    }

    #[test]
    fn no_cut_lies_before_the_history_it_needs() {
        let plan = plan_from(ds("2025-01-01"), &job(), ds("2024-01-01"), 90);
        assert_eq!(plan.training, [ds("2024-07-05")]);
        assert!(plan.calibration_only.is_empty());
        let said = plan.asked.shortfall(plan.training.len(), plan.learnt().count()).unwrap();
        assert_eq!(said, "1 of 8 cuts to train on and 1 of 13 to calibrate on");
        let plan = plan_from(ds("2025-12-16"), &job(), ds("2024-01-01"), 90);
        let said = plan.asked.shortfall(plan.training.len(), plan.learnt().count()).unwrap();
        assert_eq!(said, "12 of 13 cuts to calibrate on");
        assert!(plan_from(ds("2024-12-01"), &job(), ds("2024-01-01"), 90).training.is_empty());
    }
}
