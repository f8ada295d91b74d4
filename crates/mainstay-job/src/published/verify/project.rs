//! The project that published days are held against, as it is now, and the small files that their runs have left.

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use mainstay_config::{DailyJob, JobConfig};
use mainstay_run::OpenProject;
use mainstay_schema::Digest;

use crate::published::show::job_or_daily;

/// The daily job of the project, whatever it was called when a day was made.
pub(super) fn daily_job(open: &OpenProject) -> Result<DailyJob> {
    let name = job_or_daily(open, None)?;
    match open.project.job(&name)? {
        JobConfig::Daily(job) => Ok(*job),
        JobConfig::Training(_) => bail!("{name} is no daily job any more"),
    }
}

/// A small file of a run, which must be the one that was written.
pub(super) async fn artefact(open: &OpenProject, path: &str, digest: Digest) -> Result<Bytes> {
    let content = open.lake.get(path).await?.with_context(|| format!("{path} is gone"))?;
    ensure!(Digest::of(&content) == digest, "{path} has another digest than its run record says");
    Ok(content)
}
