//! What the record of a day says, from what its steps have found and made.

use anyhow::Result;
use mainstay_config::DailyJob;
use mainstay_run::Run;

use crate::daily::allocate::AllocatedDay;
use crate::daily::breaker::Watch;
use crate::daily::champion::Champion;
use crate::daily::preflight::PolicyOfDay;
use crate::daily::score::{self, ScoredDay};
use crate::details::{DailyDetails, PinnedInputs, SuppressionRows};
use crate::inputs::sources::PinnedDay;

/// A day whose steps are done, ahead of its publication.
pub(crate) struct DoneDay<'a> {
    pub(crate) job: &'a DailyJob,
    pub(crate) policy: &'a PolicyOfDay,
    /// What the policy says that it did not say on the last published day.
    pub(crate) policy_changes: Vec<String>,
    pub(crate) day: &'a PinnedDay,
    pub(crate) suppression_rows: Vec<SuppressionRows>,
    pub(crate) champion: &'a Champion,
    pub(crate) features: &'a [String],
    pub(crate) risk: &'a ScoredDay,
    pub(crate) allocation: &'a AllocatedDay,
    pub(crate) watch: Watch,
}

impl DoneDay<'_> {
    /// The details of the record. The text of the policy is kept as a file of the run.
    pub(crate) async fn details(self, run: &Run<'_>) -> Result<DailyDetails> {
        let Self { job, policy: PolicyOfDay { policy, text }, day, champion, risk, allocation, .. } = self;
        let (treated, spent) = (allocation.summary.treated, allocation.summary.spent_cents);
        Ok(DailyDetails {
            inputs: PinnedInputs {
                sources: day.pin.clone(),
                freshness: day.freshness.clone(),
                sql: day.sql.digest(),
                value_variables: day.variables_of(&job.value)?,
                absent_models: day.sql.absent().map(str::to_owned).collect(),
                policy: policy.digest(),
                policy_changes: self.policy_changes,
                policy_file: Some(run.keep("policy.yml", text.clone().into_bytes()).await?),
                ledger_version: allocation.ledger_version,
                cooldown_days: policy.cooldown_days,
                plans: risk.plans.clone(),
                consent_purpose: policy.consent.purpose.clone(),
                consent_default: run.open.project.config().consent_default,
                suppress_open_cases: policy.suppress_open_cases,
                suppression_as_of: Some(run.suppression.as_of),
                suppression_is_stated: run.suppression.is_stated,
                later_rows_are_refused: run.suppression_moment().later_rows_are_refused,
                holdout: score::holdout(policy, run.ds),
            },
            model: champion.used.clone(),
            features: self.features.to_vec(),
            reasons: job.reasons,
            population: risk.population,
            quarantine: day.quarantined.clone(),
            quarantine_file: day.quarantine_file.clone(),
            suppression_rows: self.suppression_rows,
            allocation: allocation.summary.clone(),
            training: champion.training.clone(),
            accepted: run.accepted(),
            monitoring: Some(self.watch.figures(run, treated, spent)),
            seconds: run.seconds(),
        })
    }
}
