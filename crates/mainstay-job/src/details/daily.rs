//! What the record of a daily run says: the inputs that were pinned and what came out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mainstay_allocator::Sensitivity;
use mainstay_config::settings::ConsentDefault;
use mainstay_monitor::{Acceptance, DayFigures, Subject};
use mainstay_run::KeptFile;
use mainstay_schema::plan::{Certificate, Rule};
use mainstay_schema::{Cents, Digest, Ds, Month};
use mainstay_sql::Freshness;
use serde::{Deserialize, Deserializer, Serialize};

use crate::details::{SourcesPin, TrainingDetails};

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
    #[serde(default, deserialize_with = "one_acceptance")]
    pub accepted: Option<Acceptance>,
    /// What the circuit breaker judged, for the days that follow; `None` in records of an earlier release.
    #[serde(default)]
    pub monitoring: Option<DayFigures>,
    /// Wall time of each step.
    pub seconds: BTreeMap<String, f64>,
}

/// A record of the first release that accepted anything has a list, each name with its own reason, and does not say by whom and when.
fn one_acceptance<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Acceptance>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        One(Acceptance),
        Each(Vec<Named>),
    }
    #[derive(Deserialize)]
    struct Named {
        name: Subject,
        why: String,
    }
    Ok(match Option::<Written>::deserialize(deserializer)? {
        Some(Written::One(acceptance)) => Some(acceptance),
        Some(Written::Each(each)) if !each.is_empty() => {
            let (names, reasons): (Vec<Subject>, Vec<String>) =
                each.into_iter().map(|Named { name, why }| (name, why)).unzip();
            let by = "somebody who is not on record".to_owned();
            Some(Acceptance { names, by, why: reasons.join("; "), at: Timestamp::UNIX_EPOCH })
        }
        Some(Written::Each(_)) | None => None,
    })
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
    /// The variables that the SQL of the value reads, each value as JSON; none in records of an earlier release.
    #[serde(default)]
    pub value_variables: BTreeMap<String, String>,
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
    /// Days of recent plans that the cooldown looked at, with the version of `campaign_allocations`.
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

/// The draw of the holdout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PinnedHoldout {
    /// Experiment and quarter.
    pub salt: String,
    /// Share of the customers.
    pub share: f64,
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
    #[serde(default, rename = "outlook")]
    pub sensitivity: Option<Sensitivity>,
    /// What the baseline policy of the catalogue's tiers would have gained under the same rules; `None` where no intervention has one.
    #[serde(default, rename = "fixed_tiers")]
    pub baseline_policy: Option<BaselinePolicy>,
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

/// What the baseline policy does: each risk band gets its one intervention, the likeliest to leave first, while the rules allow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselinePolicy {
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
