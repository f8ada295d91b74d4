//! The policy that a day was decided by.
//!
//! A run keeps the text of its policy. For records of earlier releases the project's policy serves as long as it has the same digest.

use anyhow::{Result, ensure};
use mainstay_config::Policy;
use mainstay_run::OpenProject;

use super::project;
use crate::details::PinnedInputs;

/// The policy of a run.
pub(super) enum PolicyAtHand {
    /// As the run has read it.
    Known(Box<Policy>),
    /// Nobody can say any more what it was, and why.
    Unknown(String),
}

/// Looks for the policy of a run: the text that it kept, else that of the project.
pub(super) async fn find(open: &OpenProject, inputs: &PinnedInputs) -> Result<PolicyAtHand> {
    if let Some(kept) = &inputs.policy_file {
        let text = project::artefact(open, &kept.file, kept.digest).await?;
        let policy = Policy::parse(&kept.file, &String::from_utf8_lossy(&text))?;
        let found = policy.digest();
        ensure!(
            found == inputs.policy,
            "the policy in {} has digest {found}, the run record names {}",
            kept.file,
            inputs.policy
        );
        return Ok(PolicyAtHand::Known(Box::new(policy)));
    }
    Ok(match of_project(open) {
        Ok(policy) if policy.digest() == inputs.policy => PolicyAtHand::Known(Box::new(policy)),
        Ok(_) => PolicyAtHand::Unknown("the run kept no policy, and the project has another one by now".to_owned()),
        Err(error) => PolicyAtHand::Unknown(format!("the run kept no policy, and that of the project: {error:#}")),
    })
}

/// The policy of the project as it is now.
pub(super) fn of_project(open: &OpenProject) -> Result<Policy> {
    Ok(open.project.policy(&project::daily_job(open)?.policy)?)
}
