//! Consents, contacts and cases, held against the policy and the customers before a day is decided by them.

use anyhow::Result;
use mainstay_config::{DailyJob, Policy};
use mainstay_run::{Run, Step};

use crate::details::SuppressionRows;
use crate::inputs::consent_records;
use crate::inputs::materialise::materialise;
use crate::inputs::sources::PinnedDay;
use crate::inputs::unmatched_suppression;
use crate::sql_work::within_limit;

/// Computes the consents once for all that read them, and refuses those that do not fit the policy or name nobody; see
/// [`consent_records::check`] and [`unmatched_suppression::check`].
pub(crate) async fn check(
    run: &Run<'_>,
    day: &mut PinnedDay,
    job: &DailyJob,
    policy: &Policy,
) -> Result<Vec<SuppressionRows>> {
    let moment = run.suppression_moment();
    within_limit(run, Step::Sources, materialise(run, day, &[&job.consents], &moment)).await?;
    within_limit(run, Step::Sources, async {
        consent_records::check(run, day, job, policy).await?;
        unmatched_suppression::check(run, day, job, policy).await
    })
    .await
}
