//! Whose target it is: one project's, in one currency, with one daily plan.
//!
//! Cooldown, finished days and money are asked of the target, so that it must be clear whose they are. The first run that reserves money
//! writes it down as `target.json`, where it must not exist; every later run is held against it before it does anything else.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use mainstay_config::{DailyJob, JobConfig};
use mainstay_run::OpenProject;
use mainstay_table::lake::PutOutcome;
use mainstay_table::{RunRecord, Series, claim, run_record};
use serde::{Deserialize, Serialize};

const OBJECT: &str = "target.json";

/// What `target.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Owner {
    /// The project whose days these are.
    project: String,
    /// ISO 4217 code of all money of the target.
    currency: String,
    /// Jobs under whose names an earlier version claimed days: a run of that version may still be under way.
    #[serde(default)]
    former_jobs: Vec<String>,
}

/// The plans of the target, which the project may write: it is the owner, or nobody is.
///
/// Errors: the target is another project's or holds another currency, or the project has two daily jobs.
pub(crate) async fn plans(open: &OpenProject, job: &DailyJob) -> Result<Series> {
    check_only_daily_job(open, job)?;
    let newest = run_record::latest(&open.lake, &Series::plans()).await?;
    let owner = match read(open).await? {
        Some(owner) => owner,
        None => by_records(open, newest.as_ref()).await?,
    };
    check(open, &owner)?;
    if let Some(before) = newest.filter(|newest| newest.job != job.name) {
        open.progress.warn(format!(
            "the days of this target were published as {} until {}: its finished days, cooldown and money go on under {}",
            before.job, before.ds, job.name
        ));
    }
    Ok(Series::Plans { former: owner.former_jobs })
}

/// Makes the project the owner, ahead of its first money. Of two projects at once one becomes it, and the other is refused.
pub(crate) async fn take(open: &OpenProject, plans: &Series) -> Result<()> {
    let config = open.project.config();
    let former_jobs = match plans {
        Series::Plans { former } => former.clone(),
        Series::Training { .. } => Vec::new(),
    };
    let owner = Owner { project: config.name.clone(), currency: config.currency.clone(), former_jobs };
    let content = serde_json::to_vec_pretty(&owner).context("cannot write down whose the target is")?;
    match open.lake.put_new(OBJECT, content).await? {
        PutOutcome::Created => Ok(()),
        PutOutcome::Exists => {
            let owner = read(open).await?.with_context(|| format!("{OBJECT} was there and is gone: run again"))?;
            check(open, &owner)
        }
    }
}

/// Refuses to train on a target that holds another currency.
pub(crate) async fn check_currency(open: &OpenProject) -> Result<()> {
    match read(open).await? {
        Some(owner) => one_currency(open, &owner.currency),
        None => Ok(()),
    }
}

/// Whose days a job's are, for those who read them.
pub(crate) fn series_of(job: &JobConfig) -> Series {
    match job {
        JobConfig::Daily(_) => Series::plans(),
        JobConfig::Training(job) => Series::Training { job: job.name.clone() },
    }
}

async fn read(open: &OpenProject) -> Result<Option<Owner>> {
    let Some(content) = open.lake.get(OBJECT).await? else {
        return Ok(None);
    };
    let owner = serde_json::from_slice(&content);
    owner.map(Some).with_context(|| {
        format!(
            "{OBJECT} of the target {} says not whose it is: restore it, or delete it and run again",
            open.lake.location()
        )
    })
}

/// Whose the target is where no object says it: records may, where it was lost; else it is there for the taking.
async fn by_records(open: &OpenProject, newest: Option<&RunRecord>) -> Result<Owner> {
    let config = open.project.config();
    let of_record = |name: fn(&RunRecord) -> Option<&String>| newest.and_then(name).cloned();
    Ok(Owner {
        project: of_record(|record| record.project.as_ref()).unwrap_or_else(|| config.name.clone()),
        currency: of_record(|record| record.currency.as_ref()).unwrap_or_else(|| config.currency.clone()),
        former_jobs: former_jobs(open).await?,
    })
}

/// Names under which days were claimed before plans had a key of their own, but for those of training jobs.
async fn former_jobs(open: &OpenProject) -> Result<Vec<String>> {
    let mut names: BTreeSet<String> = claim::claimed_jobs(&open.lake).await?.into_iter().collect();
    for name in open.project.job_names()? {
        if matches!(open.project.job(&name), Ok(JobConfig::Training(_))) {
            names.remove(&name);
        }
    }
    Ok(names.into_iter().collect())
}

fn check(open: &OpenProject, owner: &Owner) -> Result<()> {
    let (name, location) = (&open.project.config().name, open.lake.location());
    if owner.project != *name {
        bail!(
            "the target {location} holds the days of project `{}`, and this project is `{name}`: of two projects on one target each \
             would replace the other's days; give `{name}` a target of its own, or, where it is `{}` under a new name, write that name \
             as `project` into {OBJECT} of the target",
            owner.project,
            owner.project
        );
    }
    one_currency(open, &owner.currency)
}

fn one_currency(open: &OpenProject, held: &str) -> Result<()> {
    let currency = &open.project.config().currency;
    if held != currency {
        bail!(
            "the target {} holds money in {held}, and mainstay.yml says {currency}: a target has one currency, that of its budget, ledger \
             and values; set `currency: {held}`, or give the project a target of its own for {currency}",
            open.lake.location()
        );
    }
    Ok(())
}

/// A day of a table belongs to one job: two daily jobs on one target would replace each other's days.
fn check_only_daily_job(open: &OpenProject, job: &DailyJob) -> Result<()> {
    for name in open.project.job_names()? {
        if name != job.name && matches!(open.project.job(&name)?, JobConfig::Daily(_)) {
            bail!(
                "{} and {name} would both publish customer_risk to one target: keep one daily job a project",
                job.name
            );
        }
    }
    Ok(())
}
