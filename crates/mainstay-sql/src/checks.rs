//! What is asked of sources and models besides their rows: whether they keep what is stated of them, and what does not.

pub(crate) mod data_test;
pub(crate) mod failing;
pub(crate) mod freshness;
pub(crate) mod privacy;
pub(crate) mod proof;
pub(crate) mod quarantine;
pub(crate) mod volume;
