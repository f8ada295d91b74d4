//! The first step: what may be read is pinned and checked, and the rows that break a contract are put aside.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::Schema;
use datafusion::physical_plan::memory::MemoryStream;
use datafusion::prelude::{DataFrame, SessionContext};
use jiff::Timestamp;
use mainstay_features::{
    Freshness, FreshnessStatus, Moment, PinnedSources, Sources, SqlProject, is_of_values, refuse_stale,
};
use mainstay_monitor::TableDays;
use mainstay_schema::{Ds, column, table};

use crate::details::{QuarantinedRows, SourcesPin};
use crate::open_project::OpenProject;
use crate::progress::{Step, StepProgress};
use crate::run::Run;
use crate::simulated;
use crate::staged::DigestedTable;

/// The sources of a run as they were found, and the SQL over them.
pub(crate) struct PinnedDay {
    pub(crate) sources: Sources,
    pub(crate) sql: SqlProject,
    pinned: PinnedSources,
    pub(crate) pin: SourcesPin,
    pub(crate) freshness: Vec<Freshness>,
    pub(crate) quarantine: DigestedTable,
    /// What stands in the quarantine, by table and reason.
    pub(crate) quarantined: Vec<QuarantinedRows>,
}

/// Sources whose files are known, before a day is chosen.
pub(crate) struct FoundSources {
    pub(crate) sql: SqlProject,
    pub(crate) sources: Sources,
    pub(crate) pinned: PinnedSources,
    /// When their files had been listed: whatever was there before is among them.
    pub(crate) pinned_at: Timestamp,
    /// The day of the newest row.
    pub(crate) last_complete_day: Option<Ds>,
    /// Whether the data are simulated.
    pub(crate) is_simulated: bool,
    step: StepProgress,
}

/// Finds the files of all sources, holds their columns against the contracts, and checks the SQL.
pub(crate) async fn find(open: &OpenProject) -> Result<FoundSources> {
    simulated::fill_absent_sources(open).await?;
    let is_simulated = simulated::are_simulated(&open.project.config().sources)?;
    let step = open.progress.start(Step::Sources);
    let pinned = mainstay_features::pin(&open.session, &open.project.config().sources).await?;
    let pinned_at = Timestamp::now();
    pinned.warnings().into_iter().for_each(|warning| open.progress.warn(warning));
    let sources = Sources::open(&open.project, &pinned)?.hold_small_tables(&open.session, &pinned).await?;
    let conflicts = sources.refuse_conflicts(&open.session, |done, total| step.advance(done, Some(total), "tables"));
    let (sources, sql) = tokio::try_join!(conflicts, SqlProject::load(&open.session, &open.project))?;
    let last_complete_day = sources.last_complete_day(&open.session).await?;
    Ok(FoundSources { sql, sources, pinned, pinned_at, last_complete_day, is_simulated, step })
}

impl PinnedDay {
    /// Computes models at a moment of the day once, for all steps that read them.
    pub(crate) async fn hold(&mut self, run: &Run<'_>, names: &[&str], moment: &Moment) -> Result<()> {
        Ok(self.sql.hold(&run.open.session, &mut self.sources, names, moment).await?)
    }

    /// Refuses to go on where a file was changed as it may have been read: asked after the last read, and before anything rests on it.
    pub(crate) async fn check_unchanged(&self, run: &Run<'_>) -> Result<()> {
        let sources = &run.open.project.config().sources;
        Ok(mainstay_features::refuse_changed(&run.open.session, sources, &self.pinned).await?)
    }

    /// The newest days of every source table with an event time.
    pub(crate) async fn volumes(&self, run: &Run<'_>) -> Result<Vec<TableDays>> {
        Ok(self.sources.volumes(&run.open.session, &self.pinned, run.ds).await?)
    }

    /// What came of computing from models of SQL; of a failure on values the error of the model that they failed in, where it fails as of the
    /// day too.
    pub(crate) async fn blamed<T>(&self, run: &Run<'_>, models: &[&str], result: Result<T>) -> Result<T> {
        let Err(error) = result else { return result };
        let is_of_values = |cause: &(dyn std::error::Error + 'static)| cause.downcast_ref().is_some_and(is_of_values);
        if !error.chain().any(is_of_values) {
            return Err(error);
        }
        for moment in [run.moment(), run.suppression_moment()] {
            // What fails here was to say more of a failure, and does not take its place.
            let failing = self.sql.failing_model(&run.open.session, &self.sources, models, &moment).await;
            if let Ok(Some(failing)) = failing {
                return Err(failing.into());
            }
        }
        Err(error)
    }

    /// A model of the project's SQL over these sources, as of a moment.
    pub(crate) async fn model(&self, session: &SessionContext, name: &str, moment: &Moment) -> Result<DataFrame> {
        Ok(self.sql.model(session, &self.sources, name, moment).await?)
    }
}

impl FoundSources {
    /// Ends the step where nothing is left to do.
    pub(crate) fn leave(self, summary: impl Into<String>) {
        self.step.finish(summary);
    }

    /// The day to run: the one asked for, or the one after the newest data. The data must reach it, and it must have come.
    pub(crate) fn day(&self, asked: Option<Ds>, today: Ds) -> Result<Ds> {
        let Some(last) = self.last_complete_day else {
            bail!("the sources hold no row at all: load some data first");
        };
        let latest = last.plus_days(1).min(today);
        match asked {
            Some(ds) if ds > today => bail!("{ds} lies in the future: {latest} is the latest day that can be run"),
            Some(ds) if ds > latest => bail!(
                "the data end with {last}, so that {latest} is the latest day that can be run; {ds} cannot: load the days \
                 between, or give an earlier --date"
            ),
            Some(ds) => Ok(ds),
            None => Ok(latest),
        }
    }
}

/// Pins the sources for a run: freshness is judged, and the rows to quarantine are staged.
pub(crate) async fn pin(run: &Run<'_>, found: FoundSources) -> Result<PinnedDay> {
    let FoundSources { sources, pinned, sql, step, .. } = found;
    let freshness = judge_freshness(run, &sources).await?;
    let refused = sources.quarantine(&run.open.session, run.as_of).await?;
    let quarantined = count_reasons(&refused);
    let quarantine = stage_quarantine(run, &refused, &step).await?;
    if quarantine.table.rows > 0 {
        run.open.progress.warn(format!(
            "{} source rows or values break their contract and are not used: see the table quarantine for the reasons",
            quarantine.table.rows
        ));
    }
    let content = serde_json::to_vec_pretty(&pinned).context("cannot write the list of source files")?;
    let digest = run.write_artefact("sources.json", content).await?;
    let pin = SourcesPin::new(run.artefact("sources.json"), digest, &pinned);
    let rows: u64 = pin.tables.iter().map(|table| table.rows).sum();
    run.finish(
        Step::Sources,
        step,
        format!("{} tables, {rows} rows, {} quarantined", pin.tables.len(), quarantine.table.rows),
    );
    Ok(PinnedDay { sources, sql, pinned, pin, freshness, quarantine, quarantined })
}

async fn judge_freshness(run: &Run<'_>, sources: &Sources) -> Result<Vec<Freshness>> {
    let freshness = sources.freshness(&run.open.session, run.as_of).await?;
    refuse_stale(&freshness)?;
    let warnings = freshness.iter().filter(|table| table.status == FreshnessStatus::Warn);
    warnings.filter_map(|table| table.message.as_deref()).for_each(|message| run.open.progress.warn(message));
    Ok(freshness)
}

/// How many rows were refused, by table and reason in the order of their names.
fn count_reasons(refused: &[RecordBatch]) -> Vec<QuarantinedRows> {
    let texts = |batch: &RecordBatch, name| {
        let column = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>()).cloned();
        column.unwrap_or_else(|| StringArray::new_null(batch.num_rows()))
    };
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    for batch in refused {
        for (source, reason) in texts(batch, "source").iter().zip(texts(batch, "reason").iter()) {
            let named = (source.unwrap_or_default().to_owned(), reason.unwrap_or_default().to_owned());
            *counts.entry(named).or_default() += 1;
        }
    }
    counts.into_iter().map(|((source, reason), rows)| QuarantinedRows { source, reason, rows }).collect()
}

async fn stage_quarantine(run: &Run<'_>, refused: &[RecordBatch], step: &StepProgress) -> Result<DigestedTable> {
    let batches = refused.iter().map(|batch| with_run_id(batch, run)).collect::<Result<Vec<_>>>()?;
    let partitions = match batches.first() {
        None => Vec::new(),
        Some(first) => {
            let schema = first.schema();
            vec![Box::pin(MemoryStream::try_new(batches, schema, None)?) as _]
        }
    };
    run.stage(table::quarantine(), partitions, step, None).await?.digested().await
}

fn with_run_id(batch: &RecordBatch, run: &Run<'_>) -> Result<RecordBatch> {
    let run_ids: ArrayRef = Arc::new(StringArray::from(vec![run.run_id.as_str(); batch.num_rows()]));
    let run_id = arrow::datatypes::Field::new(column::RUN_ID, arrow::datatypes::DataType::Utf8, false);
    let fields = batch.schema().fields().iter().cloned().chain([Arc::new(run_id)]).collect::<Vec<_>>();
    let columns = batch.columns().iter().cloned().chain([run_ids]).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}
