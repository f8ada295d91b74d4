//! `mainstay import-profile`: what a source holds, in the terminal and as a findings file.

mod text;

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Args;
use jiff::Timestamp;
use mainstay_job::profile::yaml::{self, FIRST_LINE};
use mainstay_job::{Access, profile};
use mainstay_schema::Ds;

use crate::flags::{ExecutionArguments, GlobalArguments};
use crate::output_files::create;
use crate::project::open;
use crate::standard_output::write;

/// Folder of the findings files beside `mainstay.yml`.
const FOLDER: &str = "profiles";

#[derive(Debug, Args)]
pub(crate) struct ImportProfileArguments {
    /// A source of mainstay.yml, or one of its tables: retailer, retailer.orders.
    source: String,
    /// The day before which values should lie; today by default.
    #[arg(long)]
    date: Option<Ds>,
    /// The findings file; profiles/<SOURCE>.yml beside mainstay.yml by default. `-` writes none.
    #[arg(long)]
    output: Option<PathBuf>,
    #[command(flatten)]
    execution: ExecutionArguments,
}

/// Profiles the source, and writes its findings.
pub(crate) async fn execute(global: &GlobalArguments, arguments: &ImportProfileArguments) -> Result<ExitCode> {
    let open = open(global, Access::Write, Some(&arguments.execution)).await?;
    let ds = arguments.date.unwrap_or_else(|| Ds::of(Timestamp::now(), &open.project().time_zone()));
    let file = findings_file(global, arguments);
    if let Some(file) = &file {
        check_ours(file)?;
    }
    let profile = profile::profile(&open, &arguments.source, ds).await?;
    if let Some(file) = &file {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        create(file, yaml::findings_file(&profile).as_bytes(), true)?;
    }
    write(global, &profile, || text::text(&profile, file.as_deref()))?;
    Ok(ExitCode::SUCCESS)
}

/// Where the findings are written; `None` where nowhere.
fn findings_file(global: &GlobalArguments, arguments: &ImportProfileArguments) -> Option<PathBuf> {
    match &arguments.output {
        Some(path) if path == Path::new("-") => None,
        Some(path) => Some(path.clone()),
        None => Some(global.project_dir.join(FOLDER).join(format!("{}.yml", arguments.source))),
    }
}

/// Refuses to replace a file that no profile has written.
fn check_ours(path: &Path) -> Result<()> {
    let cannot_read = || format!("cannot read {}: check the path", path.display());
    let mut beginning = Vec::new();
    match std::fs::File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened
            .and_then(|file| file.take(FIRST_LINE.len() as u64).read_to_end(&mut beginning))
            .with_context(cannot_read)?,
    };
    ensure!(
        beginning == FIRST_LINE.as_bytes(),
        "{} is no findings file of a profile and is left alone: choose another name with --output",
        path.display()
    );
    Ok(())
}
