//! One execution of a job for one day: its identity, and how it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use datafusion::physical_plan::SendableRecordBatchStream;
use jiff::Timestamp;
use mainstay_monitor::{Acceptance, Subject};
use mainstay_schema::table::TableContract;
use mainstay_schema::{Digest, Ds, JobKind, RunId};
use mainstay_sql::Moment;
use mainstay_table::run_record::{self, RunRecord};
use mainstay_table::{Attempt, Lease, Published, PublishedTable, RunStatus, Series, claim, publish, stage};
use serde::Serialize;

use crate::fault;
use crate::heartbeat::Heartbeat;
use crate::hooks::Hooks;
use crate::job_days::JobDays;
use crate::kept_file::KeptFile;
use crate::open_project::OpenProject;
use crate::progress::{Step, StepProgress};
use crate::request::RunRequest;
use crate::staged::{DigestedTable, Staged};
use crate::suppression::SuppressionInstant;

/// A run that holds the newest attempt of its day.
pub struct Run<'a> {
    /// The project.
    pub open: &'a OpenProject,
    /// The run.
    pub run_id: RunId,
    /// The name of its job, as it is now.
    pub job: &'a str,
    /// What its job makes.
    pub kind: JobKind,
    /// Whose days it makes one of.
    pub series: Series,
    /// The day.
    pub ds: Ds,
    /// The midnight at which it begins, before which features see.
    pub as_of: Timestamp,
    /// The instant before which what decides who may be contacted sees.
    pub suppression: SuppressionInstant,
    /// Its try at the day.
    pub attempt: Attempt,
    is_forced: bool,
    /// Whether the sources hold simulated data.
    pub is_simulated: bool,
    /// What the run goes on in spite of.
    pub acceptance: Option<Acceptance>,
    /// The longest that the SQL of a step may run.
    pub step_time_limit: Duration,
    /// The models that are being computed, for messages.
    computed: Arc<Mutex<Option<String>>>,
    /// The names of it that were needed beside the circuit breaker, by their place.
    needed: Mutex<BTreeSet<usize>>,
    hooks: &'a dyn Hooks,
    started_at: Timestamp,
    _heartbeat: Heartbeat,
    seconds: Mutex<BTreeMap<String, f64>>,
}

impl<'a> Run<'a> {
    /// Claims the next attempt of a day: whoever held an earlier one cannot publish any more.
    pub(crate) async fn claim(
        open: &'a OpenProject,
        days: JobDays<'a>,
        ds: Ds,
        request: &RunRequest,
        is_simulated: bool,
        suppression: SuppressionInstant,
    ) -> Result<Self> {
        let RunRequest { is_forced, acceptance, .. } = request.clone();
        let JobDays { job, kind, series, step_time_limit, hooks } = days;
        let as_of = ds.as_of(&open.project.time_zone()).with_context(|| format!("{ds} has no midnight"))?;
        let run_id = RunId::new(uuid::Uuid::now_v7().to_string());
        let started_at = Timestamp::now();
        let attempt = claim::claim_next(&open.lake, &series, ds, &run_id, started_at).await?;
        let heartbeat = Heartbeat::start(Lease::new(&open.lake, &attempt))?;
        fault::boundary("claimed");
        Ok(Self {
            open,
            run_id,
            job,
            kind,
            series,
            ds,
            as_of,
            suppression,
            attempt,
            is_forced,
            is_simulated,
            acceptance,
            step_time_limit,
            computed: Arc::default(),
            needed: Mutex::default(),
            hooks,
            started_at,
            _heartbeat: heartbeat,
            seconds: Mutex::default(),
        })
    }

    /// Whether something that would stop the run was accepted by name; the record keeps that it was needed.
    pub fn accepts(&self, subject: &Subject) -> bool {
        let mut names = self.acceptance.iter().flat_map(|acceptance| &acceptance.names);
        let Some(place) = names.position(|name| name == subject) else { return false };
        self.needed.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
        true
    }

    /// The acceptance, as far as the run would have stopped without it so far; the circuit breaker keeps its own account.
    pub fn accepted(&self) -> Option<Acceptance> {
        let acceptance = self.acceptance.clone()?;
        let needed = self.needed.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<Subject> = needed.iter().filter_map(|&place| acceptance.names.get(place).cloned()).collect();
        (!names.is_empty()).then_some(Acceptance { names, ..acceptance })
    }

    /// The moment of models that see what came before the day.
    pub fn moment(&self) -> Moment {
        Moment::before(self.as_of)
    }

    /// The moment of models that decide who may be contacted.
    pub fn suppression_moment(&self) -> Moment {
        self.suppression.moment(self.as_of)
    }

    /// Which models are being computed, as it changes.
    pub fn computed(&self) -> Arc<Mutex<Option<String>>> {
        Arc::clone(&self.computed)
    }

    /// Begins a step, and says so.
    pub fn start(&self, step: Step) -> StepProgress {
        self.open.progress.start(step)
    }

    /// Ends a step: tells it, keeps its time, and passes its boundary.
    pub fn finish(&self, step: Step, progress: StepProgress, summary: impl Into<String>) {
        let seconds = progress.finish(summary);
        if let Ok(mut times) = self.seconds.lock() {
            times.insert(step.as_str().to_owned(), seconds);
        }
        fault::boundary(step.as_str());
    }

    /// How long the steps that have ended took, by their names.
    pub fn seconds(&self) -> BTreeMap<String, f64> {
        self.seconds.lock().map(|times| times.clone()).unwrap_or_default()
    }

    /// Stages a table of this run and begins its digest; `step` is told the rows as they are written, of `total` where that is
    /// known.
    pub async fn stage(
        &self,
        contract: TableContract,
        partitions: Vec<SendableRecordBatchStream>,
        step: &StepProgress,
        total: Option<u64>,
    ) -> Result<Staged> {
        let Self { open, ds, run_id, .. } = self;
        let (step, done) = (step.clone(), AtomicU64::new(0));
        let on_rows = move |rows| step.advance(done.fetch_add(rows, Ordering::Relaxed) + rows, total, "rows");
        let staged = stage::stage(&open.lake, &contract, *ds, run_id, partitions, on_rows).await?;
        Staged::new(open, contract, staged).await
    }

    /// Where a small file of this run lies below the target.
    pub fn artefact(&self, name: &str) -> String {
        format!("artefacts/{}/ds={}/{}/{name}", self.job, self.ds, self.run_id)
    }

    /// Writes a small file of this run and gives its digest.
    pub async fn write_artefact(&self, name: &str, content: Vec<u8>) -> Result<Digest> {
        let digest = Digest::of(&content);
        self.open.lake.put(&self.artefact(name), content).await?;
        Ok(digest)
    }

    /// Writes a small file of this run and says where it lies.
    pub async fn keep(&self, name: &str, content: Vec<u8>) -> Result<KeptFile> {
        Ok(KeptFile { file: self.artefact(name), digest: self.write_artefact(name, content).await? })
    }

    /// Refuses to go on where another run holds a newer attempt of the day, or has published it in the meantime.
    pub async fn check_still_ours(&self) -> Result<()> {
        let newest = claim::latest(&self.open.lake, &self.series, self.ds).await?;
        if let Some(other) = newest.filter(|newest| newest.number > self.attempt.number) {
            bail!(
                "another run ({}) has taken over {} of {}: this one ({}) publishes nothing; wait for the other to end",
                other.run_id,
                self.job,
                self.ds,
                self.run_id
            );
        }
        if let Some(done) = run_record::latest_published(&self.open.lake, &self.series, self.ds).await?
            && !self.is_forced
        {
            bail!(
                "another run ({}) has published {} of {} in the meantime: this one ({}) publishes nothing",
                done.run_id,
                self.job,
                self.ds,
                self.run_id
            );
        }
        Ok(())
    }

    /// The record of this run, as published now.
    pub fn record(&self, tables: Vec<PublishedTable>, details: &impl Serialize) -> Result<RunRecord> {
        Ok(self.record_with(RunStatus::Published, tables, serde_json::to_value(details)?))
    }

    fn record_with(&self, status: RunStatus, tables: Vec<PublishedTable>, details: serde_json::Value) -> RunRecord {
        RunRecord {
            run_id: self.run_id.clone(),
            job: self.job.to_owned(),
            kind: Some(self.kind),
            project: Some(self.open.project.config().name.clone()),
            currency: Some(self.open.project.config().currency.clone()),
            ds: self.ds,
            attempt: self.attempt.number,
            status,
            started_at: self.started_at,
            finished_at: Timestamp::now(),
            as_of: self.as_of,
            simulated: self.is_simulated,
            tables,
            details,
        }
    }

    /// Commits staged tables, one after the other. A run that another one has overtaken commits nothing more.
    pub async fn commit(&self, tables: Vec<DigestedTable>) -> Result<Vec<PublishedTable>> {
        let mut published = Vec::new();
        for table in tables {
            self.check_still_ours().await?;
            let name = table.contract.name.clone();
            published.push(self.commit_table(table).await?);
            fault::boundary(&format!("published_{name}"));
        }
        Ok(published)
    }

    async fn commit_table(&self, table: DigestedTable) -> Result<PublishedTable> {
        let DigestedTable { contract, table: staged, digest } = table;
        match publish::publish(&self.open.lake, &contract, &staged, &self.attempt).await? {
            Published::Committed { version } | Published::AlreadyDone { version } => {
                Ok(PublishedTable { table: staged.table, version, rows: staged.rows, digest, files: staged.files })
            }
            Published::Conflicted { by } => bail!(
                "another run ({by}) has taken over {} of {} and published {}: this one ({}) ends here",
                self.job,
                self.ds,
                staged.table,
                self.run_id
            ),
        }
    }

    /// Writes the record that makes the run's day published, and does what the job has hung on that.
    pub async fn write_record(&self, record: &RunRecord) -> Result<()> {
        if let Published::Conflicted { .. } = run_record::append(&self.open.lake, &self.series, record).await? {
            bail!("another run has taken over {} of {}: this one ({}) is not recorded", self.job, self.ds, self.run_id);
        }
        fault::boundary("recorded");
        self.hooks.recorded(self.open, &self.attempt).await;
        fault::boundary("settled");
        Ok(())
    }

    /// Ends a run whose steps failed: does what the job has hung on that, and records why.
    pub(crate) async fn give_up(&self, error: &anyhow::Error) {
        self.hooks.failed(self.open, &self.attempt).await;
        self.record_failure(error).await;
    }

    /// Records that this run failed and why. What cannot be recorded is told, and does not hide the failure.
    async fn record_failure(&self, error: &anyhow::Error) {
        let status = RunStatus::Failed { error: format!("{error:#}") };
        let record = self.record_with(status, Vec::new(), serde_json::Value::Null);
        if let Err(unrecorded) = run_record::append(&self.open.lake, &self.series, &record).await {
            self.open.progress.warn(format!("the failure could not be recorded: {unrecorded}"));
        }
    }
}
