//! What a run goes on in spite of, and who says so.

use anyhow::{Context, Result, ensure};
use clap::Args;
use jiff::Timestamp;
use mainstay_job::{Acceptance, Subject};

use super::author::person;

/// What would stop a run, and shall not.
#[derive(Debug, Args)]
pub(crate) struct AcceptanceArguments {
    /// Go on although this would stop the run, as its message names it; may be given again for another. Needs --why.
    #[arg(long = "accept", value_name = "NAME", requires = "why")]
    accepted: Vec<Subject>,
    /// Why what is accepted is right as it is; stands in the record of the day.
    #[arg(long, value_name = "TEXT", requires = "accepted", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    why: Option<String>,
    /// Who accepts it; stands in the record. $MAINSTAY_BY, else $USER by default.
    #[arg(long, env = "MAINSTAY_BY")]
    by: Option<String>,
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
