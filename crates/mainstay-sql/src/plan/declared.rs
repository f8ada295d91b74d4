//! Models planned over the columns that sources declare, without rows: what is asked of their SQL alone.

use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use jiff::Timestamp;

use crate::error::FeatureError;
use crate::plan::horizon::Horizon;
use crate::plan::planner::Planner;
use crate::project::SqlProject;
use crate::visible::moment::Moment;

/// The instant up to which they see, which never changes.
pub(crate) const AS_OF: Timestamp = Timestamp::UNIX_EPOCH;

/// The plan of a model that looks at nothing later than as-of: the one that was made as the project was loaded, or another where
/// variables or time zones were changed since.
pub(crate) async fn plan_declared(
    ctx: &SessionContext,
    project: &SqlProject,
    name: &str,
) -> Result<LogicalPlan, FeatureError> {
    let moment = Moment::before(AS_OF);
    // The plan of a label would be that of another moment.
    Horizon::of(project.find(name)?, &moment)?;
    match project.declared_plan(name) {
        Some(plan) => Ok(plan.clone()),
        None => Planner::over_declared(ctx, project).model(name, &moment).await,
    }
}
