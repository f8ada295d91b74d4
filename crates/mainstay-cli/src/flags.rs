//! Flags that several verbs take, and what they stand for: a group a file.

mod acceptance;
mod author;
mod execution;
mod global;
mod suppression;

pub(crate) use acceptance::{AcceptanceArguments, acceptance_of};
pub(crate) use author::{AuthorArguments, author_of};
pub(crate) use execution::{ExecutionArguments, session_settings};
pub(crate) use global::{GlobalArguments, LogFormat, Output};
pub(crate) use suppression::SuppressionArguments;
