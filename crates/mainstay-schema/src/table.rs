//! The contracts of the published tables: names, types, keys and meanings of their columns.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::column;

/// The type of a column, in the words of SQL.
// The table crate maps it to Arrow and Delta.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// 32-bit integer.
    Integer,
    /// 64-bit integer; all `_cents` columns.
    BigInt,
    /// Double precision; never money.
    Double,
    /// True or false.
    Boolean,
    /// Calendar day.
    Date,
    /// Instant in microseconds, UTC.
    Timestamp,
    /// Money as `decimal(18, 2)`.
    Money,
}

impl ColumnType {
    /// The name of the type in contracts and in YAML.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::BigInt => "bigint",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Money => "money",
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// Whether null is allowed.
    pub nullable: bool,
    /// Whether it may differ between two runs over the same inputs (`run_id`, clocks) and so stays out of the canonical digest.
    pub volatile: bool,
    /// What it means, as the table's column comment.
    pub comment: String,
}

impl Column {
    /// A column that is never null and depends on the inputs alone.
    pub fn new(name: impl Into<String>, column_type: ColumnType, comment: impl Into<String>) -> Self {
        Self { name: name.into(), column_type, nullable: false, volatile: false, comment: comment.into() }
    }

    /// Allows null.
    pub fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// Leaves the column out of the canonical digest.
    pub fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }
}

/// A published table, partitioned by `ds`. `ds` is the first column and part of every key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableContract {
    /// Its name, and its folder below the target's path.
    pub name: String,
    /// What one row is about.
    pub comment: String,
    /// The columns that identify a row within a day: the order of the canonical digest.
    pub key: Vec<String>,
    /// Whether equal rows may stand several times, as they do where rows are quarantined as they came.
    pub allows_repeats: bool,
    /// All columns in order, `ds` first.
    pub columns: Vec<Column>,
}

/// A table of a target.
#[derive(Debug, Clone, Copy)]
pub struct PublishedTable {
    /// Its contract, which for two of them depends on what the day is made of.
    pub contract: fn(&DayShape) -> TableContract,
    /// How its rows come there.
    pub written: Written,
    /// Whether every published day has it; records of days before a table that came later do not name it.
    pub is_in_every_day: bool,
    /// The checks of `mainstay verify` that work out anew what it says, beside those that every table of a day passes: its files, its
    /// digest, and its columns and values by privacy.
    pub verified_by: &'static [&'static str],
}

/// How the rows of a table come there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Staged by a daily run and committed as a whole; every known customer has one row.
    ByCustomer,
    /// Staged by a daily run and committed as a whole, with any number of rows.
    ByDay,
    /// Appended to, and never changed.
    Appended,
}

/// What the contracts of a day's tables depend on.
#[derive(Debug, Clone, Default)]
pub struct DayShape {
    /// The columns of the feature table behind customer and status.
    pub features: Vec<Column>,
    /// How many reasons each score has.
    pub reasons: usize,
}

/// Every table that is published; those of a day in the order in which they are committed. Publishing, `mainstay verify`, the tests and
/// `docs/reference/tables.md` follow from this list.
pub const TABLES: [PublishedTable; 6] = [
    PublishedTable {
        contract: |_| quarantine(),
        written: Written::ByDay,
        is_in_every_day: true,
        verified_by: &["population"],
    },
    PublishedTable {
        contract: |day| customer_features(day.features.clone()),
        written: Written::ByCustomer,
        is_in_every_day: true,
        verified_by: &[],
    },
    PublishedTable {
        contract: |day| customer_risk(day.reasons),
        written: Written::ByCustomer,
        is_in_every_day: true,
        verified_by: &["population from the sources", "suppression from the sources", "rules of contact recomputed"],
    },
    PublishedTable {
        contract: |_| campaign_allocations(),
        written: Written::ByCustomer,
        is_in_every_day: true,
        verified_by: &["offers recomputed", "certificate", "reasons of decisions"],
    },
    PublishedTable {
        contract: |_| budget_ledger(),
        written: Written::Appended,
        is_in_every_day: false,
        verified_by: &["budget"],
    },
    PublishedTable {
        contract: |_| runs(),
        written: Written::Appended,
        is_in_every_day: false,
        verified_by: &["policy", "model approved"],
    },
];

impl PublishedTable {
    /// The tables that a day is made of, in the order in which they are committed.
    pub fn of_day() -> impl Iterator<Item = &'static Self> {
        const { &TABLES }.iter().filter(|table| table.written != Written::Appended)
    }

    /// Its name.
    pub fn name(&self) -> String {
        (self.contract)(&DayShape::default()).name
    }
}

fn ds() -> Column {
    Column::new(column::DS, ColumnType::Date, "The day that the row was decided for")
}

fn customer_id() -> Column {
    Column::new(column::CUSTOMER_ID, ColumnType::Text, "The source's key of the customer")
}

fn run_id() -> Column {
    Column::new(column::RUN_ID, ColumnType::Text, "The run that wrote the row").volatile()
}

/// `customer_features`: the feature table as scored. `features` are the columns behind customer, status and its reason.
pub fn customer_features(features: Vec<Column>) -> TableContract {
    let mut columns = vec![
        ds(),
        customer_id(),
        Column::new(column::STATUS, ColumnType::Text, "eligible or ineligible, as the SQL of the project says"),
        Column::new(column::STATUS_REASON, ColumnType::Text, "Why the customer is ineligible").nullable(),
    ];
    columns.extend(features);
    columns.push(run_id());
    TableContract {
        name: "customer_features".into(),
        comment: "The feature table as scored: one row a known customer and day".into(),
        key: vec![column::CUSTOMER_ID.into()],
        allows_repeats: false,
        columns,
    }
}

/// `customer_risk`: what the day says of every known customer, with `reasons` explanations each.
pub fn customer_risk(reasons: usize) -> TableContract {
    use ColumnType::{BigInt, Double, Integer, Money, Text};
    let mut columns = vec![
        ds(),
        customer_id(),
        Column::new(column::STATUS, Text, "scored, ineligible or refused"),
        Column::new(column::STATUS_REASON, Text, "Why the customer was not scored").nullable(),
        Column::new(column::CHURN_PROBABILITY, Double, "Calibrated probability of churn in the horizon").nullable(),
        Column::new(column::RAW_SCORE, Double, "The model's margin: contributions and bias sum to it").nullable(),
        Column::new("risk_band", Text, "Band of the churn probability, as the policy names it").nullable(),
        Column::new("value_tier", Text, "Tier of the lifetime value, as the policy names it"),
        Column::new("segment", Text, "Risk band and value tier, as band/tier").nullable(),
        Column::new("clv_amount", Money, "Expected margin in the value horizon if retained"),
        Column::new("revenue_at_risk_amount", Money, "Churn probability times expected net revenue in the horizon")
            .nullable(),
        Column::new(
            column::BLOCKED_BY,
            Integer,
            "Bits of the rules that forbid contact: 1 cooldown, 2 no consent for any channel, 4 holdout, 8 open support case, 16 model not approved",
        ),
        Column::new(
            column::ALLOWED_CHANNELS,
            Text,
            "Channels of the catalogue that the customer's consent allows, sorted, with commas; null where none or not scored",
        )
        .nullable(),
        Column::new("open_cases", BigInt, "Support cases opened and not closed; null where that is not known, which blocks").nullable(),
        Column::new("days_since_last_contact", BigInt, "Whole days since the source's last intervention; null where never")
            .nullable(),
    ];
    for position in 1..=reasons {
        columns.extend([
            Column::new(format!("reason_{position}_feature"), Text, "Feature that raises the risk").nullable(),
            Column::new(format!("reason_{position}_value"), Double, "Value of the feature").nullable(),
            Column::new(format!("reason_{position}_contribution"), Double, "Its share of the raw score").nullable(),
            Column::new(format!("reason_{position}_text"), Text, "The reason in plain words").nullable(),
        ]);
    }
    columns.extend([
        Column::new("model_name", Text, "Registered model").nullable(),
        Column::new("model_version", Text, "Version of the registered model").nullable(),
        run_id(),
    ]);
    TableContract {
        name: "customer_risk".into(),
        comment: "Churn risk, value and reasons: one row a known customer and day".into(),
        key: vec![column::CUSTOMER_ID.into()],
        allows_repeats: false,
        columns,
    }
}

/// `campaign_allocations`: the decision for every known customer.
pub fn campaign_allocations() -> TableContract {
    use ColumnType::{BigInt, Double, Text};
    TableContract {
        name: "campaign_allocations".into(),
        comment: "Who gets which intervention, and why: one row a known customer and day".into(),
        key: vec![column::CUSTOMER_ID.into()],
        allows_repeats: false,
        columns: vec![
            ds(),
            customer_id(),
            Column::new("decision", Text, "Intervention of the catalogue, none or holdout"),
            Column::new("channel", Text, "Channel of the intervention").nullable(),
            Column::new("cost_cents", BigInt, "What the intervention costs"),
            Column::new("expected_value_cents", BigInt, "Expected gain of the intervention, net of its cost"),
            Column::new("expected_saved_cents", BigInt, "Expected gain of the intervention before its cost"),
            Column::new("threshold_price", Double, "Price of budget below which the customer gets an intervention")
                .nullable(),
            Column::new(
                "propensity",
                Double,
                "Probability, before the holdout was drawn, that the customer could be treated; 0 where a rule forbids contact or there is nothing to offer",
            ),
            Column::new(
                "decision_reason",
                Text,
                "The first that applies: not_scored, model_not_approved, holdout, no_consent, open_case, frequency_cap, no_allowed_channel, no_positive_value, budget, budget_share, exploration, capacity, parity, floor, chosen",
            ),
            run_id(),
        ],
    }
}

/// `quarantine`: source rows that broke their contract.
pub fn quarantine() -> TableContract {
    use ColumnType::Text;
    TableContract {
        name: "quarantine".into(),
        comment: "Source rows that were refused, with the reason; personal and protected columns redacted".into(),
        key: vec!["source".into(), "reason".into(), "row".into()],
        allows_repeats: true,
        columns: vec![
            ds(),
            Column::new("source", Text, "Source table, as source.table"),
            Column::new("reason", Text, "Which rule the row broke"),
            Column::new("row", Text, "The row as JSON, personal and protected columns redacted"),
            run_id(),
        ],
    }
}

/// `budget_ledger`: every cent reserved, spent or given back. Append-only.
pub fn budget_ledger() -> TableContract {
    use ColumnType::{BigInt, Double, Text};
    TableContract {
        name: "budget_ledger".into(),
        comment: "Money reserved, committed and released, by month".into(),
        key: vec!["entry_id".into()],
        allows_repeats: false,
        columns: vec![
            ds(),
            Column::new("entry_id", Text, "Unique name of the entry").volatile(),
            Column::new("month", Text, "The month whose budget it touches, as 2026-01"),
            Column::new("job", Text, "The job whose plan it pays"),
            Column::new("kind", Text, "planned, committed or released"),
            Column::new("amount_cents", BigInt, "How much"),
            Column::new("replaces", Text, "The entry that it takes the place of").nullable().volatile(),
            Column::new("allowance_cents", BigInt, "What the day could have spent"),
            Column::new("price", Double, "Price of budget by which the day was judged; the next day starts from it"),
            run_id(),
        ],
    }
}

/// `runs`: one row a finished attempt, published or failed. Append-only; written last.
pub fn runs() -> TableContract {
    use ColumnType::{Integer, Text, Timestamp};
    TableContract {
        name: "runs".into(),
        comment: "Run records: what was read, decided and published".into(),
        key: vec![column::RUN_ID.into()],
        allows_repeats: false,
        columns: vec![
            ds(),
            run_id(),
            Column::new("job", Text, "The job"),
            Column::new("attempt", Integer, "Attempt of the job for the day, from 1"),
            Column::new("status", Text, "published or failed"),
            Column::new("started_at", Timestamp, "When the run began").volatile(),
            Column::new("finished_at", Timestamp, "When the record was written").volatile(),
            Column::new("record", Text, "The whole run record as JSON").volatile(),
        ],
    }
}
