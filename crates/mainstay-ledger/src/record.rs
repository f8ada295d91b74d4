//! An entry of the ledger and what became of it.

use mainstay_schema::ledger::LedgerEntry;

/// An entry and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) entry: LedgerEntry,
    pub(crate) state: State,
}

/// What an entry does to the balance now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// A reservation whose run has neither committed nor released it.
    Open,
    /// A commitment in force.
    Standing,
    /// A commitment in force that an open reservation of a forced rerun wants to take over.
    Contested,
    /// It holds no money: a release, or what was committed, released or taken over.
    Ended,
}
