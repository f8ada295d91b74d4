//! How simulated data are known again: by the files that the simulator leaves in the folder that it fills, beside its tables.

/// Written last: the folder is complete. JSON, with how the data were made.
pub const FINISHED: &str = "_generated.json";
/// Written first, gone at the end: the folder is being filled, or was left unfinished.
pub const UNFINISHED: &str = "_generating.json";
/// Folder of files that are being written.
pub const PARTIAL: &str = "_partial";
