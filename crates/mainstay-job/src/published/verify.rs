//! Checks published days against what their records claim, trusting neither the solver nor the files.
//!
//! Each check is a file of this folder. What can be worked out anew is: offers, rules, reasons and rules of contact from the risk table
//! and the policy of the run, population and suppression from the source files. A check for which something is no longer at hand says
//! so; it has not passed.

mod approved;
mod budget;
mod canonical_digests;
mod certificate;
mod contact_blocks;
mod contact_channels;
mod contact_treated;
mod cooldown;
mod customers;
mod day;
mod files;
mod finding;
mod offers;
mod plan_rules;
mod policy;
mod policy_at_hand;
mod population;
mod privacy_columns;
mod privacy_values;
mod project;
mod reasons;
mod source_population;
mod sources;
mod suppression;

use anyhow::Result;
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use mainstay_run::{OpenProject, Step};
use mainstay_schema::{Ds, RunId};
use mainstay_table::{RunRecord, ledger_table, run_record};
use serde::Serialize;

use self::day::{Day, Shared};
use self::finding::Finding;
use crate::published::show::{ShowRequest, published};
use crate::target_owner;

/// What `mainstay verify` found.
#[derive(Debug, Clone, Serialize)]
pub struct VerifyReport {
    /// Whether no check of any day failed. Some may not have been made: see `not_checked`.
    pub verified: bool,
    /// How many checks could not be made.
    pub not_checked: usize,
    /// The days, in order.
    pub days: Vec<VerifiedDay>,
}

/// The checks of one day.
#[derive(Debug, Clone, Serialize)]
pub struct VerifiedDay {
    /// The day.
    pub ds: Ds,
    /// The run that published it.
    pub run_id: RunId,
    /// Whether it was made from simulated data.
    pub simulated: bool,
    /// Each check with its result.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// The figures, what is wrong, or what is not at hand.
    pub detail: String,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// What it needs is no longer at hand: nobody knows.
    NotChecked,
}

impl Check {
    fn of(name: &'static str, result: Result<Finding>) -> Self {
        let (verdict, detail) = match result {
            Ok(Finding::Holds(detail)) => (Verdict::Passed, detail),
            Ok(Finding::NotChecked(detail)) => (Verdict::NotChecked, detail),
            Err(error) => (Verdict::Failed, format!("{error:#}")),
        };
        Self { name, verdict, detail }
    }
}

type CheckOfDay = for<'a> fn(&'a Day<'a>) -> LocalBoxFuture<'a, Result<Finding>>;

/// Files first: tables whose bytes are not ours are not read, as what they say would mean nothing.
const FILES: &str = "file digests";

/// What is then checked of a day, in this order.
const CHECKS: [(&str, CheckOfDay); 16] = [
    ("canonical digests", |day| canonical_digests::check(day).boxed_local()),
    ("population", |day| population::check(day).boxed_local()),
    ("population from the sources", |day| source_population::check(day).boxed_local()),
    ("policy", |day| policy::check(day).boxed_local()),
    ("suppression from the sources", |day| suppression::check(day).boxed_local()),
    ("rules of contact recomputed", |day| contact_blocks::check(day).boxed_local()),
    ("nobody contacted against a rule", |day| contact_treated::check(day).boxed_local()),
    ("only channels with consent", |day| contact_channels::check(day).boxed_local()),
    ("offers recomputed", |day| offers::check(day).boxed_local()),
    ("rules of the plan recomputed", |day| plan_rules::check(day).boxed_local()),
    ("certificate", |day| certificate::check(day).boxed_local()),
    ("reasons of decisions", |day| reasons::check(day).boxed_local()),
    ("model approved", |day| approved::check(day).boxed_local()),
    ("budget", |day| budget::check(day).boxed_local()),
    ("no personal or protected column", |day| privacy_columns::check(day).boxed_local()),
    ("no personal or protected value", |day| privacy_values::check(day).boxed_local()),
];

/// Checked last, of all days together.
const COOLDOWN: &str = "cooldown between days";

/// Verifies one published day of a job, or all of them.
pub async fn verify(open: &OpenProject, job: &str, ds: Option<Ds>) -> Result<VerifyReport> {
    let step = open.progress.start(Step::Verify);
    let records = match ds {
        Some(ds) => vec![published(open, &request(job, Some(ds))).await?.record],
        None => {
            run_record::published_days(&open.lake, &target_owner::series_of(&open.project.job(job)?), |_| true).await?
        }
    };
    if records.is_empty() {
        // The same message as for anything else that wants a published day.
        published(open, &request(job, None)).await?;
    }
    let shared = Shared::new(ledger_table::history(&open.lake).await);
    let mut days = Vec::with_capacity(records.len());
    for (position, record) in records.iter().enumerate() {
        step.advance(position as u64, Some(records.len() as u64), "days");
        days.push(verify_day(open, &shared, record).await?);
    }
    let are_files_ours = days.iter().all(|day: &VerifiedDay| day.checks.iter().all(Check::is_not_of_files));
    if let Some(newest) = days.last_mut().filter(|_| are_files_ours) {
        newest.checks.push(Check::of(COOLDOWN, cooldown::check(open, &records).await));
    }
    let count = |verdict| days.iter().flat_map(|day| &day.checks).filter(|check| check.verdict == verdict).count();
    let (failed, not_checked) = (count(Verdict::Failed), count(Verdict::NotChecked));
    step.finish(format!("{} days, {failed} checks failed, {not_checked} not made", days.len()));
    Ok(VerifyReport { verified: failed == 0, not_checked, days })
}

impl Check {
    /// Whether it found no file that is not ours.
    fn is_not_of_files(&self) -> bool {
        self.name != FILES || self.verdict == Verdict::Passed
    }
}

fn request(job: &str, ds: Option<Ds>) -> ShowRequest {
    ShowRequest { job: job.to_owned(), ds, customer: None, top: 0 }
}

async fn verify_day(open: &OpenProject, shared: &Shared, record: &RunRecord) -> Result<VerifiedDay> {
    let day = Day::new(open, shared, record)?;
    let mut checks = vec![Check::of(FILES, files::check(&day).await)];
    if checks.iter().all(|check| check.verdict == Verdict::Passed) {
        day.register().await?;
        for (name, check) in CHECKS {
            checks.push(Check::of(name, check(&day).await));
        }
    }
    Ok(VerifiedDay { ds: record.ds, run_id: record.run_id.clone(), simulated: record.simulated, checks })
}

#[cfg(test)]
mod tests {
    use mainstay_schema::table::TABLES;

    use super::*;

    #[test]
    fn the_list_of_published_tables_names_checks_that_there_are() {
        let known: Vec<&str> = CHECKS.iter().map(|(name, _)| *name).chain([FILES, COOLDOWN]).collect();
        for table in &TABLES {
            for check in table.verified_by {
                assert!(known.contains(check), "{}: there is no check {check}: {known:?}", table.name());
            }
        }
    }
}
