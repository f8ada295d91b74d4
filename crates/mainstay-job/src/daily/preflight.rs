//! What is looked at before anything is computed: the policy, the instant of suppression and the models that the job names.

use anyhow::{Context, Result};
use mainstay_config::{DailyJob, Policy};
use mainstay_run::Run;

use crate::inputs::sources::FoundSources;

/// The policy of a day, and its text.
pub(crate) struct PolicyOfDay {
    pub(crate) policy: Policy,
    pub(crate) text: String,
}

/// Reads the policy of the job, warns of an instant that was stated, and refuses a job whose models are not there.
pub(crate) fn check(run: &Run<'_>, job: &DailyJob, found: &FoundSources) -> Result<PolicyOfDay> {
    let (file, text) = run.open.project.policy_file(&job.policy)?;
    let policy = Policy::parse(&file, &text)?;
    if run.suppression.is_stated {
        run.open.progress.warn(format!(
            "consents, cases and contacts count as of {}, as stated: what came since is not seen, so contact nobody by this plan now",
            run.suppression.as_of
        ));
    }
    for (key, model) in job.sql_models() {
        found.sql.find(model).with_context(|| format!("the job {} cannot read its `{key}`", job.name))?;
    }
    Ok(PolicyOfDay { policy, text })
}
