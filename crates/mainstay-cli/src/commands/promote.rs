//! `mainstay promote`, `rollback` and `compare`: which version of a model is in use.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use mainstay_job::promotion::{self, Author, PromoteRequest};
use mainstay_job::{Access, comparison, models};
use mainstay_monitor::Acceptance;

use crate::arguments::{
    AcceptanceArguments, AuthorArguments, CompareArguments, GlobalArguments, PromoteArguments, RollbackArguments,
};
use crate::commands::{open, write};
use crate::render;

pub(crate) async fn promote(global: &GlobalArguments, arguments: PromoteArguments) -> Result<ExitCode> {
    let PromoteArguments { model, version, alias, overrides, author } = arguments;
    let author = author_of(author)?;
    let open = open(global, Access::Write, None).await?;
    let request = PromoteRequest { model, version, alias, overrides, author };
    let promotion = promotion::promote(&open, &request).await?;
    write(global, &promotion, || render::promotion::text(&promotion))?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn rollback(global: &GlobalArguments, arguments: RollbackArguments) -> Result<ExitCode> {
    let author = author_of(arguments.author)?;
    let open = open(global, Access::Write, None).await?;
    let promotion = promotion::rollback(&open, &arguments.model, &arguments.alias, &author).await?;
    write(global, &promotion, || render::promotion::text(&promotion))?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn compare(global: &GlobalArguments, arguments: &CompareArguments) -> Result<ExitCode> {
    let CompareArguments { current, candidate, model } = arguments;
    let open = open(global, Access::Read, None).await?;
    let model = models::meant(&open, model.as_deref()).await?;
    let comparison = comparison::compare(&open, &model, current, candidate).await?;
    write(global, &comparison, || render::comparison::text(&comparison))?;
    Ok(ExitCode::SUCCESS)
}

/// What a run goes on in spite of, where it was named; by whom, now.
pub(crate) fn acceptance_of(arguments: AcceptanceArguments) -> Result<Option<Acceptance>> {
    let AcceptanceArguments { accepted: names, why, by } = arguments;
    let Some(why) = why.filter(|_| !names.is_empty()) else { return Ok(None) };
    let why = why.trim().to_owned();
    ensure!(!why.is_empty(), "--why is empty: say why it is accepted, which stands in the run record");
    let by = person(by).context(
        "nobody is named who accepts it: give --by NAME, or set MAINSTAY_BY in the environment; it stands in the record of the day",
    )?;
    Ok(Some(Acceptance { names, by, why, at: Timestamp::now() }))
}

/// The person behind a change, now.
fn author_of(arguments: AuthorArguments) -> Result<Author> {
    let by = person(arguments.by).context(
        "nobody is named who changes the alias: give --by NAME, or set MAINSTAY_BY in the environment; it stands in the history",
    )?;
    Ok(Author { by, at: Timestamp::now(), why: arguments.why })
}

fn person(by: Option<String>) -> Option<String> {
    let named = |by: &String| !by.trim().is_empty();
    let by = by.filter(named).or_else(|| std::env::var("USER").ok().filter(named))?;
    Some(by.trim().to_owned())
}
