//! The first step: what may be read is pinned and checked, and the rows that break a contract are put aside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use datafusion::physical_plan::memory::MemoryStream;
use datafusion::prelude::{DataFrame, SessionContext};
use jiff::Timestamp;
use mainstay_monitor::TableDays;
use mainstay_run::{DigestedTable, Found, OpenProject, Run, Step, StepProgress};
use mainstay_schema::table;
use mainstay_sql::{
    Freshness, FreshnessStatus, MaterialisedModels, ModelInputs, Moment, PinnedSources, PlannedModels, Sources,
    SqlProject, refuse_stale,
};

use crate::details::{QuarantineFile, QuarantinedRows, SourcesPin};
use crate::inputs::damaged;
use crate::inputs::quarantine::DayQuarantine;
use crate::inputs::simulated;

/// The sources of a run as they were found, and the SQL over them.
pub(crate) struct PinnedDay {
    pub(crate) sources: Sources,
    pub(crate) sql: SqlProject,
    /// The models of the day that were computed for several readers.
    pub(crate) materialised: MaterialisedModels,
    /// The plans of the day that several steps ask for.
    planned: PlannedModels,
    pinned: Arc<PinnedSources>,
    pub(crate) pin: SourcesPin,
    pub(crate) freshness: Vec<Freshness>,
    /// The rows that are refused since this day.
    pub(crate) quarantine: DigestedTable,
    /// All rows that are refused as of the day.
    pub(crate) refused_rows: u64,
    /// The same by table and reason.
    pub(crate) quarantined: Vec<QuarantinedRows>,
    /// Where they stand; none of a training.
    pub(crate) quarantine_file: Option<QuarantineFile>,
}

/// Sources whose files are known, before a day is chosen.
pub(crate) struct FoundSources {
    pub(crate) sql: SqlProject,
    pub(crate) sources: Sources,
    pub(crate) pinned: Arc<PinnedSources>,
    step: StepProgress,
}

/// Finds the files of all sources, holds their columns against the contracts, and checks the SQL.
pub(crate) async fn find(open: &OpenProject) -> Result<Found<FoundSources>> {
    simulated::fill_absent_sources(open).await?;
    let is_simulated = simulated::are_simulated(&open.project.config().sources)?;
    let step = open.progress.start(Step::Sources);
    let pinned = Arc::new(mainstay_sql::pin(&open.session, &open.project.config().sources).await?);
    let found_at = Timestamp::now();
    pinned.warnings().into_iter().for_each(|warning| open.progress.warn(warning));
    let checked = async {
        let sources = Sources::open(&open.project, &pinned)?.keep_small_tables(&open.session, &pinned).await?;
        let on_table = |done, total| step.advance(done, Some(total), "tables");
        let conflicts = sources.refuse_conflicts(&open.session, on_table);
        let (sources, sql) = tokio::try_join!(conflicts, SqlProject::load(&open.session, &open.project))?;
        let last_complete_day = sources.last_complete_day(&open.session).await?;
        Ok((sources, sql, last_complete_day))
    };
    let (sources, sql, last_complete_day) = damaged::named(open, &pinned, checked.await).await?;
    sql.warnings().for_each(|warning| open.progress.warn(warning));
    let found = FoundSources { sql, sources, pinned, step: step.clone() };
    Ok(Found { sources: found, found_at, last_complete_day, is_simulated, step })
}

impl PinnedDay {
    /// The variables that a model and all that it builds on read, each value as JSON.
    pub(crate) fn variables_of(&self, model: &str) -> Result<BTreeMap<String, String>> {
        let lineage = self.sql.lineage(&[model])?;
        let read: BTreeSet<&String> = lineage.iter().flat_map(|model| &model.variables).collect();
        Ok(self.sql.variables().into_iter().filter(|(name, _)| read.contains(name)).collect())
    }

    /// Refuses to go on where a file was changed as it may have been read: asked after the last read, and before anything rests on it.
    pub(crate) async fn check_unchanged(&self, run: &Run<'_>) -> Result<()> {
        let sources = &run.open.project.config().sources;
        Ok(mainstay_sql::refuse_changed(&run.open.session, sources, &self.pinned).await?)
    }

    /// The newest days of every source table with an event time.
    pub(crate) async fn volumes(&self, run: &Run<'_>) -> Result<Vec<TableDays>> {
        Ok(self.sources.volumes(&run.open.session, &self.pinned, run.ds).await?)
    }

    /// A model of the project's SQL over these sources, as of a moment.
    pub(crate) async fn model(&self, session: &SessionContext, name: &str, moment: &Moment) -> Result<DataFrame> {
        Ok(self.sql.model(session, self.model_inputs(), name, moment).await?)
    }

    /// What models of the day are planned over.
    pub(crate) fn model_inputs(&self) -> ModelInputs<'_> {
        ModelInputs { sources: &self.sources, materialised: &self.materialised, planned: Some(&self.planned) }
    }
}

/// Pins the sources for a run: freshness is judged, and the rows to quarantine are staged.
pub(crate) async fn pin(run: &Run<'_>, found: FoundSources) -> Result<PinnedDay> {
    let FoundSources { sources, pinned, sql, step, .. } = found;
    let freshness = judge_freshness(run, &sources).await?;
    let refused = sources.quarantine(&run.open.session, run.as_of).await?;
    let DayQuarantine { new, refused: refused_rows, counts, file } = DayQuarantine::of(run, &refused).await?;
    let quarantine = stage_quarantine(run, new, &step).await?;
    if refused_rows > 0 {
        let known = match quarantine.table.rows {
            new if new == refused_rows => String::new(),
            new => format!(" ({new} of them new)"),
        };
        run.open.progress.warn(format!(
            "{refused_rows} source rows or values{known} break their contract and are not used: see the table quarantine for the reasons"
        ));
    }
    let content = serde_json::to_vec_pretty(pinned.as_ref()).context("cannot write the list of source files")?;
    let digest = run.write_artefact("sources.json", content).await?;
    let pin = SourcesPin::new(run.artefact("sources.json"), digest, &pinned);
    let rows: u64 = pin.tables.iter().map(|table| table.rows).sum();
    run.finish(Step::Sources, step, format!("{} tables, {rows} rows, {refused_rows} quarantined", pin.tables.len()));
    Ok(PinnedDay {
        sources,
        sql,
        materialised: MaterialisedModels::default(),
        planned: PlannedModels::default(),
        pinned,
        pin,
        freshness,
        quarantine,
        refused_rows,
        quarantined: counts,
        quarantine_file: file,
    })
}

async fn judge_freshness(run: &Run<'_>, sources: &Sources) -> Result<Vec<Freshness>> {
    let freshness = sources.freshness(&run.open.session, run.as_of).await?;
    refuse_stale(&freshness)?;
    let warnings = freshness.iter().filter(|table| table.status == FreshnessStatus::Warn);
    warnings.filter_map(|table| table.message.as_deref()).for_each(|message| run.open.progress.warn(message));
    Ok(freshness)
}

async fn stage_quarantine(run: &Run<'_>, new: RecordBatch, step: &StepProgress) -> Result<DigestedTable> {
    let partitions = match new.num_rows() {
        0 => Vec::new(),
        _ => {
            let schema = new.schema();
            vec![Box::pin(MemoryStream::try_new(vec![new], schema, None)?) as _]
        }
    };
    run.stage(table::quarantine(), partitions, step, None).await?.digested().await
}
