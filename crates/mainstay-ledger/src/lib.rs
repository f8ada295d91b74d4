//! The money of a month: entries, reservations, balance, pacing.
//!
//! A [`Ledger`] is read from the entries of `budget_ledger` at one version of the table, and builds the entries to append at
//! the next. It never changes an entry. It does no I/O and knows no clock: the caller reads and appends, and where another
//! writer was faster it reads again and asks again (compare-and-swap), so that the answers given here hold when they are
//! written. [`pacing`] says how much of what is left is worth spending today.
//!
//! The life of a plan's money:
//!
//! ```text
//! planned ──> committed ──> (taken over by the planned, then committed of a forced rerun)
//!    └─> released    └─> released
//! ```

mod check;
mod error;
mod ledger;
mod movement;
pub mod pacing;
mod record;

pub use error::{Fault, LedgerError};
pub use ledger::Ledger;
pub use movement::{Claim, Spending};
pub use pacing::{Allowance, Pacing, PacingDay, PacingRule};
