//! What was published: shown, and worked out anew.

pub mod show;
pub mod verify;
