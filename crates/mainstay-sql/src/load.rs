//! Loading the SQL of a project: reading it, and then checking every model as it is planned.

use datafusion::prelude::SessionContext;
use mainstay_config::Project;

use crate::checks::privacy;
use crate::error::FeatureError;
use crate::project::SqlProject;

impl SqlProject {
    /// Loads and checks the models below the project's folders of SQL. Needs no data; the context brings the functions
    /// of SQL.
    pub async fn load(ctx: &SessionContext, project: &Project) -> Result<Self, FeatureError> {
        let project = Self::read(project)?;
        let plans = privacy::check(ctx, &project).await?;
        Ok(project.with_declared_plans(plans))
    }
}
