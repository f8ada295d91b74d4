//! What the registry knows of a model.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mainstay_schema::definition::Definitions;
use mainstay_schema::{Digest, Gate, RunId};
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
    /// How its features were defined when it learnt from them; `None` where that is not known.
    pub definitions: Option<Definitions>,
    /// Anything else that people want to find it by.
    pub tags: BTreeMap<String, String>,
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
    /// How its features were defined when it learnt from them; `None` where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definitions: Option<Definitions>,
    /// Anything else that people want to find it by.
    pub tags: BTreeMap<String, String>,
}

/// What stands for a gate that failed of a version that no gate has judged, such as one that was brought in from elsewhere.
pub const UNJUDGED: &str = "unjudged";

impl ModelVersion {
    /// What is asked of the version before anybody is treated by it: its gates, and of one without any that somebody answers for it.
    pub fn asked(&self) -> Vec<Gate> {
        if self.gates.is_empty() {
            let name = UNJUDGED.to_owned();
            return vec![Gate { name, figure: None, threshold: 0.0, attainable: None, passed: false }];
        }
        self.gates.clone()
    }

    /// The names of what was asked and has not passed.
    pub fn failed_gates(&self) -> Vec<String> {
        self.asked().into_iter().filter(|gate| !gate.passed).map(|gate| gate.name).collect()
    }

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
            definitions: candidate.definitions,
            tags: candidate.tags,
        }
    }
}
