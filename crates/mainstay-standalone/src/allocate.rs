//! A plan for a file of offers, and its check.
//!
//! [`allocate_file`] reads offers and a policy, and writes a plan and its certificate; [`verify_files`] checks them against the offers.
//! The certificate file holds the policy too, so that offers, plan and certificate are all that a check needs.

mod columns;
mod error;
mod files;
mod flags;
mod labels;
mod offers;
mod plan;
mod request;
mod rows;
#[cfg(test)]
mod tests;
mod twins;
mod verify;

pub use error::{AllocateFileError, UnreadFlag};
pub use files::CertificateFile;
pub use request::{AllocateRequest, PlannedFile, ReasonCount, allocate_file};
pub use verify::{VerifiedFiles, VerifyRequest, verify_files};
