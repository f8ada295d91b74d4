//! What a run record says beyond its tables: the inputs that were pinned and what came out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mainstay_config::settings::ConsentDefault;
use mainstay_features::{Freshness, PinnedSources, SetAsideFile};
use mainstay_monitor::{Acceptance, DayFigures};
use mainstay_schema::plan::{Certificate, Rule};
use mainstay_schema::{Cents, Digest, Ds, Month};
use mainstay_train::baseline::SingleFeature;
use mainstay_train::recipe::CutRanking;
use mainstay_train::{CalibrationReport, Evaluation, GateResult};
use serde::{Deserialize, Serialize};

pub use mainstay_allocator::Outlook;
pub use mainstay_train::tune::Trial;
pub use mainstay_train::{Interval, Judgement, LeakageReport, ModelParams, Reliability};

/// The details of a run of a daily job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DailyDetails {
    /// Everything that was read.
    pub inputs: PinnedInputs,
    /// The model that scored.
    pub model: ModelUsed,
    /// Columns of the feature table behind customer and status.
    pub features: Vec<String>,
    /// How many reasons each score was published with.
    pub reasons: u8,
    /// How the known customers split up.
    pub population: Population,
    /// The source rows that were refused, by table and reason.
    #[serde(default)]
    pub quarantine: Vec<QuarantinedRows>,
    /// All refused rows with their first and last day; `None` in records of an earlier release, whose table lists all of them every day.
    #[serde(default)]
    pub quarantine_file: Option<QuarantineFile>,
    /// Rows of consents, cases and contacts, and how many of them name no known customer, by source table; none in records of an
    /// earlier release.
    #[serde(default)]
    pub suppression_rows: Vec<SuppressionRows>,
    /// What was decided, for how much.
    pub allocation: AllocationSummary,
    /// The training that ran first, where there was no champion.
    pub training: Option<TrainingDetails>,
    /// What would have stopped the run beside the circuit breaker, and was accepted.
    #[serde(default)]
    pub accepted: Option<Acceptance>,
    /// What the circuit breaker judged, for the days that follow; `None` in records of an earlier release.
    #[serde(default)]
    pub monitoring: Option<DayFigures>,
    /// Wall time of each step.
    pub seconds: BTreeMap<String, f64>,
}

/// What a daily run has read: together with the seed of the model it determines every published table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PinnedInputs {
    /// The source tables and where their files are listed.
    pub sources: SourcesPin,
    /// Age of every source table at as-of.
    pub freshness: Vec<Freshness>,
    /// Digest of the project's SQL, variables and contracts.
    pub sql: Digest,
    /// Models that stood empty, as the project declares none of their sources.
    #[serde(default)]
    pub absent_models: Vec<String>,
    /// Digest of the policy.
    pub policy: Digest,
    /// The text of the policy, below the target; `None` in records of an earlier release.
    #[serde(default)]
    pub policy_file: Option<KeptFile>,
    /// What it says that the policy of the last published day did not, a line a key.
    #[serde(default)]
    pub policy_changes: Vec<String>,
    /// Version of the budget ledger that the allowance was computed from.
    pub ledger_version: Option<u64>,
    /// Days that must lie between two interventions for one customer.
    pub cooldown_days: u32,
    /// Days of own plans that the cooldown looked at, with the version of `campaign_allocations`.
    pub plans: Vec<PinnedPlan>,
    /// The purpose that consent must have been given for.
    pub consent_purpose: String,
    /// What holds for a customer and channel without a record of consent.
    pub consent_default: ConsentDefault,
    /// Whether whoever has an open support case is left alone.
    pub suppress_open_cases: bool,
    /// The instant up to which consents, cases and contacts were seen, exclusive; `None` in records of an earlier release, which saw
    /// them as of the day's as-of.
    #[serde(default)]
    pub suppression_as_of: Option<Timestamp>,
    /// Whether that instant was stated, and is not the one at which the sources were pinned.
    #[serde(default)]
    pub suppression_is_stated: bool,
    /// Whether rows that say to be of that instant or later forbade as refused ones do; runs of an earlier release did not see them.
    #[serde(default)]
    pub later_rows_are_refused: bool,
    /// The customers who are never treated, for comparison.
    pub holdout: Option<PinnedHoldout>,
}

/// A small file that a run has kept below the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    /// The object.
    pub file: String,
    /// Its digest.
    pub digest: Digest,
}

/// The draw of the holdout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PinnedHoldout {
    /// Experiment and quarter.
    pub salt: String,
    /// Share of the customers.
    pub share: f64,
}

/// What the sources held, in short; the file below the target lists every file with its size, time and tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcesPin {
    /// Object with the whole list.
    pub file: String,
    /// Digest of that object.
    pub digest: Digest,
    /// One entry a source table.
    pub tables: Vec<SourceTablePin>,
}

/// One source table in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTablePin {
    /// `source.table`.
    pub table: String,
    /// How many files.
    pub files: usize,
    /// Rows in them.
    pub rows: u64,
    /// Their size.
    pub bytes: u64,
    /// The version of a Delta table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta_version: Option<u64>,
    /// Bad files that are left out, as the table says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<SetAsideFile>,
    /// Their rows, estimated where they do not say them.
    #[serde(default)]
    pub rows_set_aside: u64,
    /// Files of the folder that are not read, and are no marks of writers; the whole list names them.
    #[serde(default)]
    pub files_not_read: usize,
}

impl SourcesPin {
    /// The short form of a list that was written to `file`.
    pub fn new(file: String, digest: Digest, pinned: &PinnedSources) -> Self {
        let tables = pinned.tables.iter().map(|table| SourceTablePin {
            table: format!("{}.{}", table.source, table.table),
            files: table.files.len(),
            rows: table.rows(),
            bytes: table.files.iter().map(|file| file.bytes).sum(),
            delta_version: table.delta_version,
            set_aside: table.set_aside.clone(),
            rows_set_aside: table.rows_set_aside(),
            files_not_read: table.not_read.len(),
        });
        Self { file, digest, tables: tables.collect() }
    }
}

/// An own plan of an earlier day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedPlan {
    /// Its day.
    pub ds: Ds,
    /// Version of the table in which the day stands.
    pub version: u64,
    /// Where its rows were read.
    #[serde(default)]
    pub read_from: PlanSource,
}

/// Where the rows of an own plan were read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum PlanSource {
    /// In the files that its run record names, as they were written.
    #[default]
    RecordedFiles,
    /// In the table, where other software has rewritten or erased rows of the day.
    Table {
        /// The version that was read.
        version: u64,
        /// Rows that the record counts and the table does not hold.
        rows_missing: u64,
        /// Treated customers among them, whom the cooldown does not know.
        treated_missing: u64,
    },
}

/// The model version behind the scores.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ModelUsed {
    /// Registered model.
    pub name: String,
    /// Alias by which it was found.
    pub alias: String,
    /// Version.
    pub version: String,
    /// Digest of the ensemble.
    pub digest: Digest,
    /// Whether a gate had failed when it was registered.
    pub gates_failed: bool,
    /// The end of its last training label window: it knows what happened before.
    pub trained_until: Ds,
    /// Whether it may treat anybody; `None` in records of an earlier release, which did not ask.
    #[serde(default)]
    pub approval: Option<Approval>,
}

/// Whether customers may be treated by a model: its gates have passed, or somebody overrides those that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The gates that failed.
    pub failed_gates: Vec<String>,
    /// The entry of the alias's history that overrides all of them; `None` where none does, or none failed.
    pub overridden_by: Option<u32>,
}

impl Approval {
    /// Whether customers may be treated.
    pub fn is_given(&self) -> bool {
        self.failed_gates.is_empty() || self.overridden_by.is_some()
    }
}

impl ModelUsed {
    /// The gates for which nobody was treated, as they failed and nobody overrides them; none where people may be treated.
    pub fn gates_in_the_way(&self) -> &[String] {
        self.approval.as_ref().filter(|approval| !approval.is_given()).map_or(&[], |approval| &approval.failed_gates)
    }
}

/// known = scored + ineligible + refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Population {
    /// All customers that the sources name before as-of.
    pub known: u64,
    /// With a probability, a band and reasons.
    pub scored: u64,
    /// Lapsed or without an order.
    pub ineligible: u64,
    /// Eligible, but not to be scored; the table says why.
    pub refused: u64,
    /// Source rows that broke their contract.
    pub quarantined_rows: u64,
}

impl Population {
    /// Whether no customer vanished.
    pub fn is_reconciled(&self) -> bool {
        self.known == self.scored + self.ineligible + self.refused
    }
}

/// Rows that may forbid contact, and those of them that name nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressionRows {
    /// `source.table`, or the staging model where that reads several or none.
    pub table: String,
    /// Its rows as of the instant of suppression, refused ones included.
    pub rows: u64,
    /// Rows whose customer no order and no customer record names by then.
    pub unmatched_rows: u64,
    /// Of these, rows that would name a known customer but for blanks around the key, or for the case of its letters where no two
    /// known customers differ by it alone.
    pub misspelt_rows: u64,
}

/// Source rows that broke one rule of their contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantinedRows {
    /// `source.table`.
    pub source: String,
    /// The rule.
    pub reason: String,
    /// How many are refused as of the day.
    pub rows: u64,
    /// Those of them that stand in the table under this day: they were not refused on the published day before.
    #[serde(default)]
    pub new_rows: u64,
    /// Those that were refused on the published day before and are no longer.
    #[serde(default)]
    pub mended_rows: u64,
    /// The first day on which one of the rows that are refused was; `None` without any, and in records of an earlier release.
    #[serde(default)]
    pub since: Option<Ds>,
}

/// All rows that are refused as of a day, with the first and the last published day on which they were, and those of the published day
/// before that are refused no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineFile {
    /// The Parquet file, below the target.
    pub file: String,
    /// Its digest.
    pub digest: Digest,
    /// The published day that was compared with; `None` where there was none, so that all rows are new.
    pub since: Option<Ds>,
}

/// The money and the worth of one day's plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AllocationSummary {
    /// The month that pays.
    pub month: Month,
    /// Budget of the month.
    pub budget_cents: Cents,
    /// What the ledger had left before the day.
    pub available_cents: Cents,
    /// What the day could spend.
    pub allowance_cents: Cents,
    /// What the plan spends.
    pub spent_cents: Cents,
    /// What the month has left after the day; `None` in records of an earlier release (see [`Self::left`]).
    #[serde(default)]
    pub left_cents: Option<Cents>,
    /// Expected gain of the plan, net of its cost.
    pub value_cents: Cents,
    /// Customers with an intervention.
    pub treated: u64,
    /// Cents of value that one more cent of budget would bring.
    pub price_of_budget: f64,
    /// The certificate of the plan.
    pub certificate: Certificate,
    /// Share of the upper bound that the plan may have missed.
    pub gap: f64,
    /// The rules of the certificate, as rows over the interventions in the order of the catalogue.
    #[serde(default)]
    pub allocation_rules: Vec<Rule>,
    /// What other budgets would buy and what each rule costs.
    #[serde(default)]
    pub outlook: Option<Outlook>,
    /// What the fixed policy of the catalogue's tiers would have gained under the same rules; `None` where no intervention has a tier.
    #[serde(default)]
    pub fixed_tiers: Option<FixedTiers>,
    /// The offers that the plan chose from, below the target.
    pub offers_file: String,
    /// Digest of that file.
    pub offers_digest: Digest,
    /// The ledger's reservation.
    pub reservation: String,
}

impl AllocationSummary {
    /// What the month has left after the day.
    pub fn left(&self) -> Cents {
        self.left_cents.unwrap_or(Cents(self.available_cents.0 - self.spent_cents.0))
    }
}

/// A plan that gives each risk band its one intervention, the likeliest to leave first, while the rules allow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedTiers {
    /// Customers with an intervention.
    pub treated: u64,
    /// What they cost.
    pub spent_cents: Cents,
    /// Their expected gain, net of the cost.
    pub value_cents: Cents,
    /// What a plan gains for that money under all rules; `None` where it cannot keep the floors.
    #[serde(default)]
    pub plan_value_cents: Option<Cents>,
}

/// The details of a run of a training job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrainingDetails {
    /// Registered model.
    pub model: String,
    /// The version that this training made.
    pub version: String,
    /// Digest of the ensemble.
    pub digest: Digest,
    /// The alias that it got.
    pub alias: String,
    /// Past days that were learnt from.
    pub cuts: Vec<CutDetails>,
    /// How many the job asked for; `None` in records of an earlier release.
    #[serde(default)]
    pub cuts_asked: Option<CutsAsked>,
    /// The day of the first order of all; `None` in records of an earlier release.
    #[serde(default)]
    pub first_order: Option<Ds>,
    /// The day from which on orders come regularly, with which the history begins; `None` in records of an earlier release.
    #[serde(default)]
    pub history_from: Option<Ds>,
    /// The draw of customers that all cuts are of; `None` where they are of all.
    #[serde(default)]
    pub sample: Option<SampledCustomers>,
    /// What the training held, where memory was limited.
    #[serde(default)]
    pub memory: Option<MemoryHeld>,
    /// The later day that it was judged on.
    pub test_cut: Ds,
    /// End of the last training label window.
    pub trained_until: Ds,
    /// What was fitted, with its parameters; `None` in records of an earlier release.
    #[serde(default)]
    pub params: Option<ModelParams>,
    /// What a search for it tried, rung by rung.
    #[serde(default)]
    pub trials: Vec<Trial>,
    /// Trees of the model; none of a logistic regression.
    pub trees: usize,
    /// Judged on the test cut, beside one feature alone and the champion.
    #[serde(rename = "evaluation")]
    pub judgement: Judgement,
    /// The same by group of customers.
    #[serde(default)]
    pub segments: Vec<SegmentFigures>,
    /// What speaks for a leak, and how features moved until the test cut; `None` in records of an earlier release.
    #[serde(default)]
    pub leakage: Option<LeakageReport>,
    /// How the scores became probabilities, and how those hold.
    pub calibration: CalibrationReport,
    /// The ranking at each training cut, by trees that have not seen the customer.
    pub by_cut: Vec<CutRanking>,
    /// One feature alone, on the same rows.
    pub baseline: Baseline,
    /// Every gate with its figure.
    pub gates: Vec<GateResult>,
    /// Whether any gate failed.
    pub gates_failed: bool,
    /// The training rows with fold and score.
    pub training_rows: RowsFile,
    /// The rows of the test cut with score and probability.
    pub test_rows: RowsFile,
    /// Digest of the SQL that made the rows.
    pub sql: Digest,
    /// The source tables and where their files are listed.
    pub sources: SourcesPin,
    /// Of each source table the rows that had happened, were known and kept their contract by then, by `source.table`.
    #[serde(default)]
    pub rows_known: BTreeMap<String, u64>,
    /// The instant that the training could see up to.
    pub as_of: Timestamp,
}

/// Rows behind a model, as a Parquet file below the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsFile {
    /// The object.
    pub file: String,
    /// Its digest.
    pub digest: Digest,
    /// How many rows.
    pub rows: usize,
}

/// How a model does on a group of customers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SegmentFigures {
    /// What tells the groups apart.
    pub by: String,
    /// The group.
    pub group: String,
    /// Judged on its customers of the test cut.
    #[serde(flatten)]
    pub evaluation: Evaluation,
    /// 95 % interval of the AUC; `None` with fewer than two customers of either outcome.
    #[serde(default)]
    pub auc_interval: Option<Interval>,
}

/// How many cuts a training job asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutsAsked {
    /// To fit the model on.
    pub training: u32,
    /// To calibrate on, those among them.
    pub calibration: u32,
}

impl CutsAsked {
    /// What is missing of them, in words, where so many were fitted on and so many calibrated on; `None` where nothing is.
    pub fn shortfall(&self, fitted: usize, calibrated: usize) -> Option<String> {
        let missing = |had: usize, asked: u32| had < asked as usize;
        let Self { training, calibration } = *self;
        match (missing(fitted, training), missing(calibrated, calibration)) {
            (false, false) => None,
            (true, false) => Some(format!("{fitted} of {training} cuts to train on")),
            (false, true) => Some(format!("{calibrated} of {calibration} cuts to calibrate on")),
            (true, true) => Some(format!(
                "{fitted} of {training} cuts to train on and {calibrated} of {calibration} to calibrate on"
            )),
        }
    }
}

/// A draw of customers, by hash of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SampledCustomers {
    /// The share of the customers that was asked for.
    pub share: f64,
    /// Customers who were eligible at the test cut, drawn or not.
    pub eligible_at_test_cut: u64,
}

/// What a training held in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryHeld {
    /// The memory limit of the run.
    pub limit_bytes: u64,
    /// The most that the training was expected to hold at a time.
    pub need_bytes: u64,
    /// The values of its rows.
    pub rows_bytes: u64,
}

impl TrainingDetails {
    /// The cuts that were asked for and could not be had, in words; `None` where all were.
    pub fn cuts_missing(&self) -> Option<String> {
        let fitted = self.cuts.iter().filter(|cut| !cut.calibrates_only).count();
        let missing = self.cuts_asked?.shortfall(fitted, self.cuts.len())?;
        Some(match self.history_from {
            Some(from) => format!("{missing}: the history begins on {from}"),
            None => missing,
        })
    }
}

/// One training cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutDetails {
    /// Its day.
    pub ds: Ds,
    /// The day on which its label window ends, exclusive.
    pub label_end: Ds,
    /// Whether its rows only calibrate and no tree was fitted on them.
    #[serde(default)]
    pub calibrates_only: bool,
    /// Eligible customers.
    pub rows: usize,
    /// Those of them that churned.
    pub churned: usize,
}

/// One feature as a score of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Baseline {
    /// The feature.
    pub feature: String,
    /// Its ranking of the test cut.
    pub evaluation: SingleFeature,
}
