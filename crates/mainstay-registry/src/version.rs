//! What the registry knows of a model.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mainstay_schema::{Digest, RunId};
use serde::{Deserialize, Serialize};

/// A model to be registered.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// When it is registered.
    pub created_at: Timestamp,
    /// The run that trained it.
    pub run_id: RunId,
    /// What it was trained on and how: cuts, parameters, seed.
    pub training: serde_json::Value,
    /// How it was judged, and what came out.
    pub evaluation: serde_json::Value,
    /// The gates that it had to pass.
    pub gates: Vec<Gate>,
    /// Anything else that people want to find it by.
    pub tags: BTreeMap<String, String>,
}

/// A figure of the evaluation against what is asked of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// What is asked: `auc_at_least`, `calibration_error_above_noise_at_most` ...
    pub name: String,
    /// What came out; `None` where it could not be computed.
    pub figure: Option<f64>,
    /// The least or most that is asked, as the name says.
    pub threshold: f64,
    /// The best that any model could have reached, where the data limit it: precision at 20 % is at most base rate / 0.2.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attainable: Option<f64>,
    /// The verdict.
    pub passed: bool,
}

/// A registered model: its record, not its bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelVersion {
    /// The registered model.
    pub name: String,
    /// `1`, `2` ...: a string, as in MLflow.
    pub version: String,
    /// Digest of the model's bytes.
    pub digest: Digest,
    /// When it was registered.
    pub created_at: Timestamp,
    /// The run that trained it.
    pub run_id: RunId,
    /// What it was trained on and how: cuts, parameters, seed.
    pub training: serde_json::Value,
    /// How it was judged, and what came out.
    pub evaluation: serde_json::Value,
    /// The gates that it had to pass.
    pub gates: Vec<Gate>,
    /// Whether any gate failed.
    pub gates_failed: bool,
    /// Anything else that people want to find it by.
    pub tags: BTreeMap<String, String>,
}

impl ModelVersion {
    pub(crate) fn of(candidate: Candidate, name: &str, number: u32, digest: Digest) -> Self {
        Self {
            name: name.to_owned(),
            version: number.to_string(),
            digest,
            created_at: candidate.created_at,
            run_id: candidate.run_id,
            training: candidate.training,
            evaluation: candidate.evaluation,
            gates_failed: candidate.gates.iter().any(|gate| !gate.passed),
            gates: candidate.gates,
            tags: candidate.tags,
        }
    }
}
