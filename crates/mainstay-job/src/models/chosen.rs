//! What a training fits: the settings of the job as parameters, or those that a search finds.

use mainstay_config::algorithm::Algorithm;
use mainstay_train::forest::{ForestParams, TreeParams};
use mainstay_train::logistic::LogisticParams;
use mainstay_train::{BoostedTreesParams, LearnerKind, ModelParams, Parameters, Search};

/// Kinds with parameters that a search tries where the job does not say.
const USUAL_CANDIDATES: usize = 20;
/// The newest cuts that the last candidates are judged on.
const VALIDATIONS: usize = 3;

/// The parameters to fit with: what the job states, or what ranks the newest training cuts best.
pub(crate) fn parameters(algorithm: &Algorithm, seed: u64, label_days: u32) -> Parameters {
    match stated(algorithm, seed) {
        Some(stated) => Parameters::Stated(stated),
        None => Parameters::Searched(Search {
            kinds: LearnerKind::ALL.to_vec(),
            candidates: count(algorithm.candidates, USUAL_CANDIDATES),
            validations: VALIDATIONS,
            label_days,
            seed,
        }),
    }
}

/// The parameters of the kind that the job names; `None` where it leaves the choice.
fn stated(of: &Algorithm, seed: u64) -> Option<ModelParams> {
    Some(match of.kind.only()? {
        LearnerKind::Boosted => {
            let usual = BoostedTreesParams::default();
            ModelParams::Boosted(BoostedTreesParams {
                rounds: count(of.rounds, usual.rounds),
                trees_per_round: count(of.trees_per_round, usual.trees_per_round),
                depth: count(of.depth, usual.depth),
                learning_rate: of.learning_rate.unwrap_or(usual.learning_rate),
                rows_per_tree: count(of.rows_per_tree, usual.rows_per_tree),
                columns_per_tree: of.columns_per_tree.unwrap_or(usual.columns_per_tree),
                l2: of.l2.unwrap_or(usual.l2),
                minimum_leaf_rows: count(of.minimum_leaf_rows, usual.minimum_leaf_rows),
                positive_weight: of.positive_weight.unwrap_or(usual.positive_weight),
                patience: usual.patience,
                seed,
            })
        }
        LearnerKind::Forest => {
            let usual = ForestParams::default();
            ModelParams::Forest(ForestParams {
                trees: count(of.trees, usual.trees),
                depth: count(of.depth, usual.depth),
                rows_per_tree: count(of.rows_per_tree, usual.rows_per_tree),
                columns_per_tree: of.columns_per_tree.unwrap_or(usual.columns_per_tree),
                minimum_leaf_rows: count(of.minimum_leaf_rows, usual.minimum_leaf_rows),
                prior_rows: of.prior_rows.unwrap_or(usual.prior_rows),
                seed,
            })
        }
        LearnerKind::Tree => {
            let usual = TreeParams::default();
            ModelParams::Tree(TreeParams {
                depth: count(of.depth, usual.depth),
                minimum_leaf_rows: count(of.minimum_leaf_rows, usual.minimum_leaf_rows),
                seed,
            })
        }
        LearnerKind::Logistic => {
            let usual = LogisticParams::default();
            ModelParams::Logistic(LogisticParams {
                l2: of.l2.unwrap_or(usual.l2),
                clip_quantile: of.clip_quantile.unwrap_or(usual.clip_quantile),
                steps: usual.steps,
            })
        }
    })
}

fn count(stated: Option<u32>, usual: usize) -> usize {
    stated.map_or(usual, |count| count as usize)
}

#[cfg(test)]
mod tests {
    use mainstay_schema::AlgorithmKind;
    use schemars::schema_for;
    use serde_json::{Value, json};

    use super::*;

    /// The docstrings of the kinds are what the reference says of their settings.
    #[test]
    fn the_usual_settings_are_those_that_the_reference_states() {
        let usual = [
            ("boosted_trees", json!(BoostedTreesParams::default())),
            ("forest", json!(ForestParams::default())),
            ("tree", json!(TreeParams::default())),
            ("logistic", json!(LogisticParams::default())),
            ("auto", json!({"candidates": USUAL_CANDIDATES})),
        ];
        let schema = schema_for!(AlgorithmKind).to_value();
        for (kind, usual) in usual {
            let variant = schema["oneOf"].as_array().unwrap().iter().find(|variant| variant["const"] == kind).unwrap();
            let stated = variant["description"].as_str().unwrap().replace('\n', " ");
            let is_setting = |key: &str| !matches!(key, "seed" | "patience" | "steps");
            let usual: Vec<String> = usual
                .as_object()
                .unwrap()
                .iter()
                .filter(|(key, _)| is_setting(key))
                .map(|(key, value): (&String, &Value)| format!("`{key}` {}", value.as_f64().unwrap()))
                .collect();
            let missing: Vec<&String> = usual.iter().filter(|setting| !stated.contains(*setting)).collect();
            assert!(missing.is_empty(), "{kind} does not state {missing:?}: {stated}");
            assert_eq!(stated.matches('`').count(), 2 * usual.len(), "{kind}: {stated}");
        }
    }
}
