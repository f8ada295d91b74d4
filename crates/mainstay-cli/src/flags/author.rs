//! Who changes an alias, and why.

use anyhow::{Context, Result};
use clap::Args;
use jiff::Timestamp;
use mainstay_job::promotion::Author;

/// Who changes an alias, and why.
#[derive(Debug, Args)]
pub(crate) struct AuthorArguments {
    /// Who does it; stands in the history. $MAINSTAY_BY, else $USER by default.
    #[arg(long, env = "MAINSTAY_BY")]
    by: Option<String>,
    /// Why; stands in the history.
    #[arg(long)]
    why: Option<String>,
}

/// The person behind a change, now.
pub(crate) fn author_of(arguments: AuthorArguments) -> Result<Author> {
    let by = person(arguments.by).context(
        "nobody is named who changes the alias: give --by NAME, or set MAINSTAY_BY in the environment; it stands in the history",
    )?;
    Ok(Author { by, at: Timestamp::now(), why: arguments.why })
}

/// The person that is named, by a flag or by the account; `None` where nobody is.
pub(super) fn person(by: Option<String>) -> Option<String> {
    let named = |by: &String| !by.trim().is_empty();
    let by = by.filter(named).or_else(|| std::env::var("USER").ok().filter(named))?;
    Some(by.trim().to_owned())
}
