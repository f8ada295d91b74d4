//! Model cards: what a version was made of, what it can and cannot do, and what it is for.
//!
//! After Mitchell et al., "Model Cards for Model Reporting" (2019): details, intended use, data, figures overall and by group,
//! limits; with the lineage that lets anybody make the same model again.

mod text;

use std::collections::BTreeMap;

use jiff::Timestamp;
use mainstay_schema::{Digest, Ds, Gate, Reliability, RunId};
use serde::{Deserialize, Serialize, Serializer};

/// The card of one version. As JSON for programs, as [`markdown`](Self::markdown) for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// The registered model.
    pub model: String,
    /// The version.
    pub version: String,
    /// When it was trained.
    pub trained_at: Timestamp,
    /// What the project says of it.
    pub purpose: Purpose,
    /// What it learnt from and was judged on.
    pub data: Data,
    /// What it is made of.
    pub shape: Shape,
    /// Its features, the most important first.
    pub features: Vec<Feature>,
    /// The feature that is shown alone beside it.
    pub baseline: String,
    /// Its figures on the test cut.
    pub figures: Vec<Figure>,
    /// The same by group of customers, where they were reported apart.
    pub segments: Vec<Segment>,
    /// How its scores became probabilities, and how far those hold.
    pub calibration: Calibration,
    /// What was asked of it.
    #[serde(serialize_with = "write_gates")]
    pub gates: Vec<Gate>,
    /// What it takes to make the same model again.
    pub lineage: Lineage,
}

/// What the project says of a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// What the training job is for.
    pub description: Option<String>,
    /// Who answers for the model.
    pub owner: Option<String>,
    /// What it may be used for.
    pub intended_use: Option<String>,
    /// What it must not be used for.
    pub not_for: Vec<String>,
    /// What it does not know or does badly.
    pub limits: Vec<String>,
}

/// What a model learnt from and was judged on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Whether it was simulated: such a model knows nobody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// The instant that the training could see up to.
    pub as_of: Timestamp,
    /// The end of its last label window: it knows what happened before.
    pub trained_until: Ds,
    /// The source tables.
    pub sources: Vec<SourceTable>,
    /// The cuts that were learnt from, in order.
    pub cuts: Vec<Cut>,
    /// The cuts that were asked for and could not be had, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cuts_missing: Option<String>,
    /// The draw of customers that all cuts are of; absent where they are of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampled: Option<Sampled>,
    /// The later cut that it was judged on.
    pub test: Cut,
}

/// A draw of customers, by hash of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampled {
    /// The share of the customers that was asked for.
    pub share: f64,
    /// Customers who were eligible at the test cut, drawn or not.
    pub eligible_at_test_cut: u64,
}

/// A source table as it was pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceTable {
    /// `source.table`.
    pub table: String,
    /// Its files.
    pub files: u64,
    /// Rows in them, those too that came later than the training could see.
    pub rows: u64,
    /// Rows that the training could see; `None` in cards of an earlier release.
    #[serde(default)]
    pub rows_known: Option<u64>,
}

/// A past day whose customers were looked at, and the window in which they left or stayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// The day.
    pub day: Ds,
    /// The end of its label window, exclusive.
    pub label_end: Ds,
    /// What its rows were used for.
    pub used_for: CutUse,
    /// Customers.
    pub customers: u64,
    /// Those of them who left.
    pub churned: u64,
}

/// What the rows of a cut were used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutUse {
    /// The model was fitted on them, and its probabilities too.
    Fit,
    /// Its probabilities alone.
    Calibration,
    /// It was judged on them.
    Test,
}

/// What a model is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// The algorithm, in words.
    pub algorithm: String,
    /// Trees.
    pub trees: u64,
    /// Features that add to the score by themselves: those of a logistic regression.
    #[serde(default)]
    pub terms: u64,
    /// Leaves of all trees.
    pub leaves: u64,
    /// Most splits from a root to a leaf.
    pub depth: u64,
}

/// A feature of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// What it means, in the words of the project.
    pub description: String,
    /// Share of the training rows that its splits divide, or of how far all terms reach; 0 where the model does without it.
    pub importance: f64,
}

/// A figure of a model beside that of the baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// What is measured.
    pub name: String,
    /// What came out.
    pub model: f64,
    /// What the baseline feature alone reaches on the same rows.
    pub baseline: Option<f64>,
    /// The best that any model could reach, where the data limit it.
    pub attainable: Option<f64>,
    /// The 95 % interval, where it is known.
    pub interval: Option<[f64; 2]>,
}

/// The figures of a group of customers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// What distinguishes the groups.
    pub by: String,
    /// The group.
    pub group: String,
    /// Its customers on the test cut.
    pub customers: u64,
    /// The figures by name; one that cannot be computed for so few is absent.
    pub figures: BTreeMap<String, f64>,
    /// The 95 % intervals of figures, by name, where they are known.
    #[serde(default)]
    pub intervals: BTreeMap<String, [f64; 2]>,
}

/// How scores became probabilities, and how far those hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Log-odds = slope * score + intercept.
    pub slope: f64,
    /// The intercept.
    pub intercept: f64,
    /// On customers held back in turn.
    #[serde(serialize_with = "write_reliability")]
    pub held_back: Reliability,
    /// On the test cut.
    #[serde(serialize_with = "write_reliability")]
    pub test: Reliability,
}

/// Cards call the calibration error `error`.
fn write_reliability<S: Serializer>(reliability: &Reliability, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Written {
        base_rate: f64,
        mean_probability: f64,
        brier: f64,
        error: f64,
        noise_floor: f64,
    }
    let Reliability { base_rate, mean_probability, brier, ece: error, ece_noise_floor: noise_floor } = *reliability;
    Written { base_rate, mean_probability, brier, error, noise_floor }.serialize(serializer)
}

/// Cards say of every gate what was attainable, and null where the data limit nothing.
fn write_gates<S: Serializer>(gates: &[Gate], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Written<'a> {
        name: &'a str,
        threshold: f64,
        figure: Option<f64>,
        attainable: Option<f64>,
        passed: bool,
    }
    serializer.collect_seq(gates.iter().map(|gate| {
        let Gate { name, threshold, figure, attainable, passed } = gate;
        Written { name, threshold: *threshold, figure: *figure, attainable: *attainable, passed: *passed }
    }))
}

/// What it takes to make the same model again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// The job.
    pub job: String,
    /// The day that it ran for.
    pub ds: Ds,
    /// The run.
    pub run_id: RunId,
    /// The seed.
    pub seed: u64,
    /// The program that trained.
    pub code_version: String,
    /// Digest of the model's bytes.
    pub model: Digest,
    /// Digest of the SQL, variables and contracts.
    pub sql: Digest,
    /// Digest of the list of source files.
    pub sources: Digest,
    /// The object below the target that lists them.
    pub sources_file: String,
    /// Digest of the training rows.
    pub training_rows: Digest,
    /// Digest of the rows of the test cut.
    pub test_rows: Digest,
}

impl ModelCard {
    /// The gates that failed.
    pub fn failed_gates(&self) -> impl Iterator<Item = &Gate> {
        self.gates.iter().filter(|gate| !gate.passed)
    }
}

#[cfg(test)]
mod tests;
