//! What can be wrong with offers, policy, plan and certificate.

use std::path::PathBuf;

use mainstay_allocator::{AllocationError, InstanceError};
use mainstay_config::ConfigError;
use mainstay_files::{FileError, KeyError};
use mainstay_verifier::Refusal;
use parquet::errors::ParquetError;
use thiserror::Error;

/// Why nothing was planned, or why a plan was not accepted. Nothing is written then.
#[derive(Debug, Error)]
pub enum AllocateFileError {
    /// A file is not there, or may not be read.
    #[error("cannot read {}: check the path", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of rows is not there, or is no Parquet.
    #[error(transparent)]
    File(#[from] FileError),
    /// Rows of a Parquet file cannot be read.
    #[error("cannot read the rows of {}: it is damaged, write it anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        source: ParquetError,
    },
    /// The policy is wrong.
    #[error(transparent)]
    Policy(#[from] ConfigError),
    /// There is nothing to spend.
    #[error("the budget is 0: nothing can be bought with it, so give `budget_cents` at least 1")]
    ZeroBudget,
    /// A column is missing.
    #[error("{} has no column `{column}`: it has {}", path.display(), found.join(", "))]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The columns that are there.
        found: Vec<String>,
    },
    /// A column holds something else than it should.
    #[error("column `{column}` of {} is of type {found}: it must hold {wanted}", path.display())]
    ColumnType {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// What it must hold.
        wanted: &'static str,
    },
    /// Ids that would not be the same in the plan.
    #[error("column `customer_id` of {}{}: {source}", path.display(), in_row(*row))]
    CustomerId {
        /// The file.
        path: PathBuf,
        /// The row, from 0, where it is one value.
        row: Option<u64>,
        /// What is wrong.
        source: KeyError,
    },
    /// A whole number that does not fit.
    #[error(
        "column `{column}` of {} is {value} in row {row} (counted from 0): it must lie below 9223372036854775808 (2^63); {advice}",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The row, from 0.
        row: u64,
        /// What stands there.
        value: String,
        /// How to mend it.
        advice: &'static str,
    },
    /// A name that stands for two columns.
    #[error("{} has more than one column `{column}`: keep one of them, or give the others names of their own", path.display())]
    DuplicateColumn {
        /// The file.
        path: PathBuf,
        /// The name.
        column: String,
    },
    /// A column seems to forbid contact, but is not the one that does.
    #[error(
        "{} has no column `blocked_by`, but `{column}`, which is not read: where it forbids contact, name it `blocked_by` (0 or false: \
         may be contacted); else give it another name or leave it out",
        path.display()
    )]
    NotBlocking {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
    },
    /// A value is missing.
    #[error("column `{column}` of {} is null in row {row} (counted from 0): fill it in, or leave out the row", path.display())]
    Null {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The row, from 0.
        row: u64,
    },
    /// An amount is no whole number of cents.
    #[error("column `{column}` of {} is {value} in row {row} (counted from 0): write whole cents", path.display())]
    NotCents {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The row, from 0.
        row: u64,
        /// What stands there.
        value: f64,
    },
    /// An amount is below 0.
    #[error("column `{column}` of {} is {cents} in row {row} (counted from 0): amounts are at least 0, so leave out the row", path.display())]
    Negative {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The row, from 0.
        row: u64,
        /// What stands there.
        cents: i64,
    },
    /// A customer has an offer twice.
    #[error("customer {customer} has the offer `{offer}` twice in {}: keep one", path.display())]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// The customer.
        customer: String,
        /// The offer.
        offer: String,
    },
    /// Rows of a customer disagree.
    #[error("customer {customer} of {} is in two groups of `{column}`: a customer is in one", path.display())]
    TwoGroups {
        /// The file.
        path: PathBuf,
        /// The customer.
        customer: String,
        /// The column.
        column: String,
    },
    /// More names than can be told apart.
    #[error("{} has more than 65,536 {what}: group them", path.display())]
    TooMany {
        /// The file.
        path: PathBuf,
        /// What there are too many of.
        what: &'static str,
    },
    /// Nobody is there.
    #[error("{} holds no offers: there is nobody to decide on", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The amounts are too large, or the rules.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The rules cannot be kept.
    #[error(transparent)]
    Allocation(#[from] AllocationError),
    /// An output is an input, or both outputs are one.
    #[error("{} would be overwritten by another file of this command: give it another name", path.display())]
    SameFile {
        /// The file.
        path: PathBuf,
    },
    /// An output is there already.
    #[error("{} exists already: choose another name, or replace it with --force", path.display())]
    OutputExists {
        /// The file.
        path: PathBuf,
    },
    /// An output cannot be written.
    #[error("cannot write {}: check that its folder exists, may be written and has room", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The certificate is no JSON of ours.
    #[error("{} is no certificate of an allocation: {source}", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// The plan's customers are not those of the offers.
    #[error("{} does not decide on every customer of the offers once: {what}", path.display())]
    OtherCustomers {
        /// The plan.
        path: PathBuf,
        /// Which customer is wrong, and how.
        what: String,
    },
    /// A row of the plan says something else than the offers.
    #[error("{} says of customer {customer} that {claimed}, but {found}", path.display())]
    WrongRow {
        /// The plan.
        path: PathBuf,
        /// The customer.
        customer: String,
        /// What the row says.
        claimed: String,
        /// What holds.
        found: String,
    },
    /// The verifier refuses the plan or its certificate.
    #[error("the plan is refused: {0}")]
    Refused(#[from] Refusal),
}

fn in_row(row: Option<u64>) -> String {
    row.map(|row| format!(" in row {row} (counted from 0)")).unwrap_or_default()
}
