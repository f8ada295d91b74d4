//! The files of source tables: listed, pinned, held to their contracts, and read as tables with the declared columns.
//!
//! [`pin`] lists the files that count (in a [`folder`], by their [`file_names`]) and asks each whether it keeps its contract ([`columns`],
//! [`statistics`], [`unreadable`]); what it found is [`pinned`]. [`listing`] opens the pinned files as one table, whose columns are read as
//! [`reading`] says.

pub(crate) mod columns;
pub(crate) mod damaged;
pub(crate) mod file_names;
pub(crate) mod folder;
pub(crate) mod folder_values;
pub(crate) mod format;
pub(crate) mod listing;
pub(crate) mod pin;
pub(crate) mod pinned;
pub(crate) mod reading;
pub(crate) mod scanned;
pub(crate) mod statistics;
pub(crate) mod unreadable;
