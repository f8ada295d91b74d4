//! What Mainstay reads of the sources of small projects, for tests against other readers of the same files.
//!
//! `mainstay-under-test source-rows <folder>...`: of each project the rows that the model `stg_rows` sees of all days, as `rows.parquet`
//! below its folder, what is refused as `refused.jsonl`, and the files that are set aside with the reason as `aside.json`; or the message that the project was refused with, as `error.txt`.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use arrow::array::{AsArray, RecordBatch};
use jiff::Timestamp;
use mainstay_config::{Project, VarOverrides};
use mainstay_functions::ModelCache;
use mainstay_session::SessionSettings;
use mainstay_sql::{Moment, Sources, SqlProject, pin};
use parquet::arrow::ArrowWriter;

const MODEL: &str = "stg_rows";

/// Reads every folder; a project that is refused is no failure of the command.
pub(crate) fn run(folders: impl Iterator<Item = String>) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    for (number, folder) in folders.enumerate() {
        let folder = Path::new(&folder);
        // Both ways in which rows are read: from memory, and from the files anew.
        if let Err(error) = runtime.block_on(read(folder, number % 2 == 0)) {
            fs::write(folder.join("error.txt"), format!("{error:#}")).context("cannot write error.txt")?;
        }
    }
    Ok(())
}

async fn read(folder: &Path, is_held: bool) -> Result<()> {
    let project = Project::load(folder, &VarOverrides::default(), None)?;
    let models = ModelCache::new(|digest| Box::pin(async move { Err(format!("no model {digest}").into()) }));
    let session = mainstay_session::build(&SessionSettings::default(), &models)?;
    let pinned = pin(&session, &project.config().sources).await?;
    let mut sources = Sources::open(&project, &pinned)?;
    if is_held {
        sources = sources.keep_small_tables(&session, &pinned).await?;
    }
    let sources = sources.refuse_conflicts(&session, |_, _| ()).await?;
    let sql = SqlProject::load(&session, &project).await?;
    let end: Timestamp = "2200-01-01T00:00:00Z".parse()?;
    let rows = sql.model(&session, &sources, MODEL, &Moment::before(end)).await?;
    let schema = rows.schema().inner().clone();
    let batches = rows.collect().await?;
    let refused = sources.quarantine(&session, end).await?;
    let mut writer = ArrowWriter::try_new(File::create(folder.join("rows.parquet"))?, schema, None)?;
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    writer.close()?;
    let aside = pinned.tables.iter().flat_map(|table| &table.set_aside).map(|file| (&file.path, &file.reason));
    fs::write(folder.join("aside.json"), serde_json::to_vec(&aside.collect::<Vec<_>>())?)?;
    let mut lines = File::create(folder.join("refused.jsonl"))?;
    for batch in &refused {
        for row in 0..batch.num_rows() {
            writeln!(lines, "{}", text(batch, "row", row)?)?;
        }
    }
    Ok(())
}

fn text<'a>(batch: &'a RecordBatch, column: &str, row: usize) -> Result<&'a str> {
    let values = batch.column_by_name(column).and_then(|column| column.as_string_opt::<i32>());
    Ok(values.with_context(|| format!("the quarantine has no column {column}"))?.value(row))
}
