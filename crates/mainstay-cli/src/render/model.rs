//! What a model is made of.

use std::path::Path;

use mainstay_model::summary::{Predicts, Summary};
use mainstay_model::{Ensemble, InstructionSet, SelfTest};
use serde::Serialize;

use super::{percent, table};

/// A model, and how this machine runs it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    summary: Summary,
    instructions: Instructions,
}

/// The instruction sets of this machine, and which of them the kernels chose by their self-tests.
#[derive(Debug, Serialize)]
struct Instructions {
    scoring: InstructionSet,
    contributions: InstructionSet,
    available: Vec<InstructionSet>,
    /// Those that one of the kernels may not use, because they give other bits than the portable one.
    refused: Vec<InstructionSet>,
}

impl Shown {
    /// A model on this machine.
    pub(crate) fn of(model: &Ensemble) -> Self {
        Self { summary: Summary::of(model), instructions: Instructions::of_this_machine() }
    }
}

impl Instructions {
    fn of_this_machine() -> Self {
        let tests = [SelfTest::scoring(), SelfTest::contributions()];
        let is_refused = |instructions: &InstructionSet| tests.iter().any(|test| test.refuses(*instructions));
        let available = InstructionSet::available();
        let refused = available.iter().copied().filter(is_refused).collect();
        Self { scoring: tests[0].chosen(), contributions: tests[1].chosen(), available, refused }
    }
}

/// The model for people, with its `top` most important features.
pub(crate) fn text(path: &Path, shown: &Shown, top: usize) -> String {
    let summary = &shown.summary;
    let predicts = match summary.predicts {
        Predicts::Probability => "a probability (logistic link)",
        Predicts::Number => "a number (identity link)",
    };
    let calibration = match summary.calibration {
        Some([a, b]) => format!("log-odds = {a:.4} * raw score {b:+.4}"),
        None => "none".to_owned(),
    };
    let expected = match summary.expected_margin {
        Some(mean) => format!("starts from {:.4}, {mean:.4} on average over the training rows", summary.bias),
        None => format!("starts from {:.4}; no covers, so that scores cannot be explained", summary.bias),
    };
    let splits = summary.splits;
    let numerical_and_categorical = match splits.categorical {
        0 => format!("{} by threshold", splits.numerical),
        categorical => format!("{} by threshold, {categorical} by category", splits.numerical),
    };
    let missing = match splits.zero_is_missing {
        0 => "NaN and null".to_owned(),
        zero => format!("NaN and null; in {zero} splits zero too"),
    };
    let linear = match summary.terms {
        0 => String::new(),
        terms => format!("linear in {terms} features, "),
    };
    let shape = format!(
        "{linear}{} trees, {} leaves (at most {} a tree), depth {}",
        summary.trees, summary.leaves, summary.most_leaves, summary.depth
    );
    let features = format!("{}, of which {} are split on", summary.features, summary.importance.len());
    let instructions = instructions(&shown.instructions);
    let facts = [
        ("predicts", predicts),
        ("calibration", calibration.as_str()),
        ("raw score", expected.as_str()),
        ("shape", shape.as_str()),
        ("splits", numerical_and_categorical.as_str()),
        ("missing values", missing.as_str()),
        ("features", features.as_str()),
        ("instructions", instructions.as_str()),
    ];
    let facts: String = facts.iter().map(|(name, value)| format!("{name:<15} {value}\n")).collect();
    format!("{}\n{}\n\n{facts}\n{}", path.display(), summary.digest, importance(summary, top))
}

fn instructions(of: &Instructions) -> String {
    let names = |sets: &[InstructionSet]| sets.iter().map(|set| set.name()).collect::<Vec<_>>().join(", ");
    let refused = match &of.refused[..] {
        [] => String::new(),
        refused => format!("; gives other bits and is not used: {}", names(refused)),
    };
    let (scoring, contributions) = (of.scoring.name(), of.contributions.name());
    format!("{scoring} scores, {contributions} explains; this machine has {}{refused}", names(&of.available))
}

fn importance(summary: &Summary, top: usize) -> String {
    let by = match (summary.trees, summary.expected_margin) {
        (0, _) => "share of how far all terms reach",
        (_, Some(_)) => "share of rows that its splits part",
        (_, None) => "share of splits",
    };
    let rows = summary.importance.iter().take(top).map(|of| {
        let categories = if of.categories > 0 { of.categories.to_string() } else { String::new() };
        vec![of.feature.clone(), percent(of.share), of.splits.to_string(), categories]
    });
    let listed = table(&["feature", by, "splits", "categories"], &[1, 2, 3], rows);
    match summary.importance.len().saturating_sub(top) {
        0 => listed,
        more => format!("{listed}and {more} more\n"),
    }
}
