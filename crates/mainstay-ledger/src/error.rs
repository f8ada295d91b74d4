//! What can be wrong with a ledger, and with what is asked of it.

use mainstay_schema::{Cents, Ds};

/// Why a ledger is not one, or a movement is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The entries contradict each other. Nothing may be spent until that is mended.
    #[error(
        "the budget ledger is corrupt: entry `{entry}` {fault}; restore the table to the version before it was changed by hand"
    )]
    Corrupt {
        /// The entry at fault.
        entry: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// More is asked for than is left.
    #[error(
        "job `{job}` wants to reserve {wanted} for {ds}, but only {available} of the month's budget is available: allocate again"
    )]
    NotAvailable {
        /// The job.
        job: String,
        /// Its day.
        ds: Ds,
        /// What was asked for.
        wanted: Cents,
        /// What could have been.
        available: Cents,
    },
    /// Another run of the same day holds a reservation.
    #[error(
        "job `{job}` has an open reservation `{entry}` for {ds}: wait for its run to end, or release it if the run has died"
    )]
    AlreadyReserved {
        /// The job.
        job: String,
        /// Its day.
        ds: Ds,
        /// The open reservation.
        entry: String,
    },
    /// A run reserves once.
    #[error("the run has written `{entry}` before: a new attempt needs a new run")]
    WrittenBefore {
        /// The entry that is there.
        entry: String,
    },
    /// What is named is no open reservation.
    #[error("`{entry}` is not an open reservation: it is unknown, or committed or released already")]
    NotOpen {
        /// The entry that was named.
        entry: String,
    },
    /// What is named is neither an open reservation nor a commitment in force.
    #[error(
        "`{entry}` holds no money: it is unknown, given back or replaced already, or a forced run is taking it over"
    )]
    NothingToRelease {
        /// The entry that was named.
        entry: String,
    },
    /// A commitment exceeds its reservation.
    #[error(
        "`{entry}` reserves {reserved}, but {wanted} is to be committed: a plan may cost at most what was reserved for it"
    )]
    MoreThanReserved {
        /// The reservation.
        entry: String,
        /// Its amount.
        reserved: Cents,
        /// What was asked for.
        wanted: Cents,
    },
    /// An amount below 0.
    #[error("{amount} is below 0: only amounts of at least 0 are reserved or committed")]
    NegativeAmount {
        /// What was asked for.
        amount: Cents,
    },
}

/// What is wrong with an entry of a corrupt ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Two entries have its id.
    #[error("is there twice")]
    Duplicate,
    /// Its amount is below 0.
    #[error("has the negative amount {0}")]
    NegativeAmount(Cents),
    /// All amounts together do not fit.
    #[error("makes the ledger add up to more than can be counted")]
    Overflow,
    /// A reservation or commitment of a month to which its day does not belong.
    #[error("is of {ds}, which is not in its month")]
    ForeignMonth {
        /// Its day.
        ds: Ds,
    },
    /// A commitment or release that names no entry.
    #[error("names no entry that it takes the place of")]
    NamesNothing,
    /// It names an entry that is not there.
    #[error("names `{0}`, which does not exist")]
    NamesUnknown(String),
    /// It names an entry of a kind that it cannot take the place of.
    #[error("names `{0}`, which is of the wrong kind")]
    NamesWrongKind(String),
    /// It names an entry of another day or month.
    #[error("names `{0}`, which is of another day or month")]
    NamesForeign(String),
    /// A commitment of more than its reservation, or a release of another amount than it names.
    #[error("has the amount {amount}, which does not fit the {named_amount} of `{named}`")]
    WrongAmount {
        /// Its amount.
        amount: Cents,
        /// The entry that it names.
        named: String,
        /// The amount of that entry.
        named_amount: Cents,
    },
    /// Two entries take its place.
    #[error("is replaced twice, by `{0}` and `{1}`")]
    ReplacedTwice(String, String),
    /// It takes its own place, through the entries that it names.
    #[error("takes the place of itself")]
    Circular,
    /// Two plans of one job and day hold money and neither takes over the other.
    #[error("pays the same job and day as `{0}`")]
    PaidTwice(String),
}
