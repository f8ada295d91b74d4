//! `mainstay model show`: what a model file is made of.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use mainstay_standalone::model::{self, Ensemble, InspectedModel, InstructionSet, Instructions, Predicts, Summary};

use crate::flags::GlobalArguments;
use crate::render::{percent, table};
use crate::standard_output::write;

#[derive(Debug, Args)]
pub(crate) struct ShowModelArguments {
    /// The model.
    model: PathBuf,
    /// How many features to list.
    #[arg(long, default_value_t = 20)]
    top: usize,
}

/// Shows the model of a file.
pub(crate) fn execute(global: &GlobalArguments, arguments: &ShowModelArguments) -> Result<()> {
    write_model(global, &arguments.model, &model::read(&arguments.model)?, arguments.top)
}

/// Writes what a model is made of, with its `top` most important features.
pub(super) fn write_model(global: &GlobalArguments, path: &Path, model: &Ensemble, top: usize) -> Result<()> {
    let inspected = InspectedModel::of(model);
    write(global, &inspected, || text(path, &inspected, top))
}

/// The model for people, with its `top` most important features.
fn text(path: &Path, inspected: &InspectedModel, top: usize) -> String {
    let summary = &inspected.summary;
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
    let instructions = instructions(&inspected.instructions);
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
