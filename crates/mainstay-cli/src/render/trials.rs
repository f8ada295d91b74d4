//! What a search for a model tried.

use mainstay_job::details::{ModelParams, Trial};

use super::table;

/// A table of trials; nothing where there was nothing to choose from.
pub(crate) fn text(trials: &[Trial], judged_on: &str) -> String {
    if trials.len() < 2 {
        return String::new();
    }
    let rows = trials.iter().map(|trial| {
        vec![
            trial.rung.to_string(),
            trial.candidate.to_string(),
            format!("{:.4}", trial.auc),
            trial.rows.to_string(),
            trial.aucs.len().to_string(),
            params(&trial.params),
            if trial.kept { "kept" } else { "" }.to_owned(),
        ]
    });
    table(&["rung", "candidate", "AUC", "rows", judged_on, "what was tried", ""], &[0, 1, 2, 3, 4], rows)
}

fn params(params: &ModelParams) -> String {
    match params {
        ModelParams::Boosted(of) => format!(
            "boosted, {} rounds, depth {}, rate {}, columns {}, l2 {}, leaves of {}",
            of.rounds, of.depth, of.learning_rate, of.columns_per_tree, of.l2, of.minimum_leaf_rows
        ),
        ModelParams::Forest(of) => format!(
            "forest, {} trees, depth {}, columns {}, leaves of {}",
            of.trees, of.depth, of.columns_per_tree, of.minimum_leaf_rows
        ),
        ModelParams::Tree(of) => format!("tree, depth {}, leaves of {}", of.depth, of.minimum_leaf_rows),
        ModelParams::Logistic(of) => format!("logistic, l2 {}, clipped at {}", of.l2, of.clip_quantile),
    }
}
