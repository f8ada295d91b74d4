//! Slips in jobs.

use super::{assert_refused, fixture_text, slip};
use mainstay_schema::AlgorithmKind;

use crate::algorithm::Algorithm;
use crate::breaker::CircuitBreaker;
use crate::job::JobConfig;
use crate::training::Promotion;

#[test]
fn slips_in_a_daily_job_are_refused() {
    assert_refused(
        "jobs/daily_risk.yml",
        JobConfig::parse,
        &[
            slip(
                "name: daily_risk",
                "name: daily_risks",
                "
jobs/daily_risk.yml:1:7: a job is named like its file: `daily_risk`, not `daily_risks`
  |
1 | name: daily_risks
  |       ^^^^^^^^^^^",
            ),
            slip(
                "kind: daily",
                "kind: dayly",
                "
jobs/daily_risk.yml:2:7: unknown value `dayly`, did you mean `daily`?
  |
2 | kind: dayly
  |       ^^^^^
  = known values: daily, training",
            ),
            slip(
                "reasons: 3",
                "reasons: 5",
                "
jobs/daily_risk.yml:12:10: expected a number from 0 to 4, found 5
   |
12 | reasons: 5
   |          ^",
            ),
            slip(
                "reasons: 3",
                "reasons: three",
                "
jobs/daily_risk.yml:12:10: expected a whole number from 0 to 255, found `three`
   |
12 | reasons: three
   |          ^^^^^",
            ),
            slip(
                "cron: \"0 4 * * *\"",
                "cron: \"0 4 * *\"",
                r#"
jobs/daily_risk.yml:5:9: a cron expression has 5 fields (minute, hour, day, month, weekday), this has 4
  |
5 |   cron: "0 4 * *"
  |         ^^^^^^^^^"#,
            ),
            slip(
                "cron: \"0 4 * * *\"",
                "cron: \"0 25 * * *\"",
                r#"
jobs/daily_risk.yml:5:9: `25` is no hour of a cron expression: 0 to 23
  |
5 |   cron: "0 25 * * *"
  |         ^^^^^^^^^^^^"#,
            ),
            slip(
                "cron: \"0 4 * * *\"",
                "cron: \"0 4 31 2 *\"",
                r#"
jobs/daily_risk.yml:5:9: `0 4 31 2 *` never comes: none of its months has such a day
  |
5 |   cron: "0 4 31 2 *"
  |         ^^^^^^^^^^^^"#,
            ),
            slip(
                "cron: \"0 4 * * *\"",
                "cron: \"0 4 L * *\"",
                r#"
jobs/daily_risk.yml:5:9: `L` is no day of the month of a cron expression: 1 to 31
  |
5 |   cron: "0 4 L * *"
  |         ^^^^^^^^^^^"#,
            ),
            slip(
                "  time_zone: UTC",
                "  time_zone: CEST",
                "
jobs/daily_risk.yml:6:14: unknown time zone `CEST`, did you mean `CET`?
  |
6 |   time_zone: CEST
  |              ^^^^
  = time zones have IANA names, such as Europe/Berlin or UTC",
            ),
            slip(
                "alias: champion\n",
                "",
                "
jobs/daily_risk.yml:1:1: missing key `alias`
  |
1 | name: daily_risk
  | ^",
            ),
            slip(
                "train_with:",
                "trainwith:",
                "
jobs/daily_risk.yml:11:1: unknown key `trainwith`, did you mean `train_with`?
   |
11 | trainwith: train_churn
   | ^^^^^^^^^
   = known keys: name, kind, description, schedule, features, value, consents, contact_rules, model, alias, train_with, reasons, policy, circuit_breaker, step_time_limit_seconds",
            ),
            slip(
                "features: customer_features",
                "features: [customer_features]",
                "
jobs/daily_risk.yml:7:11: expected a single value here
  |
7 | features: [customer_features]
  |           ^",
            ),
            slip(
                "schedule:\n",
                "schedule: daily\nx:\n",
                "
jobs/daily_risk.yml:4:11: expected keys and values here
  |
4 | schedule: daily
  |           ^^^^^",
            ),
            slip(
                "model: churn",
                "model: my-churn",
                "
jobs/daily_risk.yml:9:8: `my-churn` is no name: use letters, digits and underscores, and begin with a letter
  |
9 | model: my-churn
  |        ^^^^^^^^",
            ),
            slip(
                "value: customer_value",
                "value: customer_value\nconsents: customer consents",
                "
jobs/daily_risk.yml:9:11: `customer consents` is no name: use letters, digits and underscores, and begin with a letter
  |
9 | consents: customer consents
  |           ^^^^^^^^^^^^^^^^^",
            ),
            slip(
                "value: customer_value",
                "value: customer_value\ncontact_rules: ''",
                "
jobs/daily_risk.yml:9:16: `` is no name: use letters, digits and underscores, and begin with a letter
  |
9 | contact_rules: ''
  |                ^^",
            ),
            slip(
                "kind: daily\n",
                "",
                "
jobs/daily_risk.yml:1:1: missing key `kind`
  |
1 | name: daily_risk
  | ^",
            ),
            slip(
                "train_with: train_churn",
                "train_with: train_churn\ncuts: {training: 8}",
                "
jobs/daily_risk.yml:12:1: unknown key `cuts`
   |
12 | cuts: {training: 8}
   | ^^^^
   = known keys: name, kind, description, schedule, features, value, consents, contact_rules, model, alias, train_with, reasons, policy, circuit_breaker, step_time_limit_seconds",
            ),
        ],
    );
}

#[test]
fn the_models_of_contact_are_those_of_the_reference_project_unless_stated() {
    let file = "jobs/daily_risk.yml";
    let text = fixture_text(file);
    let models = |text: &str| match JobConfig::parse(file, text).unwrap() {
        JobConfig::Daily(job) => (job.consents, job.contact_rules),
        JobConfig::Training(job) => panic!("{}", job.name),
    };
    assert_eq!(models(&text), ("customer_consents".to_owned(), "customer_contact_rules".to_owned()));
    let stated = format!("{text}consents: opt_ins\ncontact_rules: rests\n");
    assert_eq!(models(&stated), ("opt_ins".to_owned(), "rests".to_owned()));
}

#[test]
fn slips_in_a_training_job_are_refused() {
    assert_refused("jobs/train_churn.yml", JobConfig::parse, &[
slip("  training: 8", "  training: 0", "
jobs/train_churn.yml:8:13: expected a number of at least 1, found 0
  |
8 |   training: 0
  |             ^"),
slip("  step_days: 30", "  step_days: 1.5", "
jobs/train_churn.yml:10:14: expected a whole number from 0 to 4294967295, found `1.5`
   |
10 |   step_days: 1.5
   |              ^^^"),
slip("kind: boosted_trees", "kind: random_forest", "
jobs/train_churn.yml:13:9: unknown value `random_forest`
   |
13 |   kind: random_forest
   |         ^^^^^^^^^^^^^
   = known values: boosted_trees, forest, tree, logistic, auto"),
slip("kind: boosted_trees", "kind: logistic", "
jobs/train_churn.yml:14:11: `rounds` is no setting of a logistic regression: those are l2, clip_quantile
   |
14 |   rounds: 100
   |           ^^^"),
slip("kind: boosted_trees", "kind: boosted_trees\n  candidates: 20", "
jobs/train_churn.yml:14:15: `candidates` is no setting of boosted trees: those are rounds, trees_per_round, depth, learning_rate, rows_per_tree, columns_per_tree, l2, minimum_leaf_rows, positive_weight
   |
14 |   candidates: 20
   |               ^^"),
slip("l2: 10.0", "l2: 10.0\n  positive_weight: 0", "
jobs/train_churn.yml:21:20: expected a number from 0.01 to 1000, found 0
   |
21 |   positive_weight: 0
   |                    ^"),
slip("kind: platt", "kind: plat", "
jobs/train_churn.yml:23:9: unknown value `plat`, did you mean `platt`?
   |
23 |   kind: plat
   |         ^^^^
   = known values: platt"),
slip("calibration: 13", "calibration: 7", "
jobs/train_churn.yml:9:16: expected at least the 8 cuts that trees are fitted on, found 7
  |
9 |   calibration: 7
  |                ^"),
slip("algorithm:", "sample_customers: 0\nalgorithm:", "
jobs/train_churn.yml:12:19: expected a share of the customers above 0 and at most 1, found 0
   |
12 | sample_customers: 0
   |                   ^"),
slip("algorithm:", "sample_customers: 20000\nalgorithm:", "
jobs/train_churn.yml:12:19: expected a share of the customers above 0 and at most 1, found 20000
   |
12 | sample_customers: 20000
   |                   ^^^^^"),
slip("rounds: 100", "rounds: 0", "
jobs/train_churn.yml:14:11: expected a number from 1 to 10000, found 0
   |
14 |   rounds: 0
   |           ^"),
slip("depth: 4", "depth: 40", "
jobs/train_churn.yml:16:10: expected a number from 1 to 10, found 40
   |
16 |   depth: 40
   |          ^^"),
slip("learning_rate: 0.08", "learning_rate: 0", "
jobs/train_churn.yml:17:18: expected a number above 0 and at most 1, found 0
   |
17 |   learning_rate: 0
   |                  ^"),
slip("rows_per_tree: 4096", "rows_per_tree: 0", "
jobs/train_churn.yml:18:18: expected a number of at least 1, found 0
   |
18 |   rows_per_tree: 0
   |                  ^"),
slip("trees_per_round: 2", "trees_per_round: 65", "
jobs/train_churn.yml:15:20: expected a number from 1 to 64, found 65
   |
15 |   trees_per_round: 65
   |                    ^^"),
slip("columns_per_tree: 0.3", "columns_per_tree: 3", "
jobs/train_churn.yml:19:21: expected a number above 0 and at most 1, found 3
   |
19 |   columns_per_tree: 3
   |                     ^"),
slip("folds: 4", "folds: 1", "
jobs/train_churn.yml:24:10: expected a number from 2 to 20, found 1
   |
24 |   folds: 1
   |          ^"),
slip("l2: 10.0", "l2: -1", "
jobs/train_churn.yml:20:7: expected a number from 0.001 to 1000, found -1
   |
20 |   l2: -1
   |       ^^"),
slip("minimum_leaf_rows: 40", "minimum_leaf_rows: 0", "
jobs/train_churn.yml:21:22: expected a number of at least 1, found 0
   |
21 |   minimum_leaf_rows: 0
   |                      ^"),
slip("seed: 20240101", "seed: -1", "
jobs/train_churn.yml:26:7: expected a whole number, at least 0, found `-1`
   |
26 | seed: -1
   |       ^^"),
slip("auc_at_least: 0.80", "auc_at_least: 80", "
jobs/train_churn.yml:28:17: expected a number from 0 to 1, found 80
   |
28 |   auc_at_least: 80
   |                 ^^"),
slip("precision_at_top_20_percent_at_least: 0.60", "precision_at_20_percent_at_least: 0.60", "
jobs/train_churn.yml:29:3: unknown key `precision_at_20_percent_at_least`, did you mean `precision_at_top_20_percent_at_least`?
   |
29 |   precision_at_20_percent_at_least: 0.60
   |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   = known keys: auc_at_least, precision_at_top_20_percent_at_least, calibration_error_above_noise_at_most, calibration_error_at_test_cut_above_noise_at_most, history_days_at_least"),
slip("noise_at_most: 0.01", "noise_at_most: 1.01", "
jobs/train_churn.yml:30:42: expected a number from 0 to 1, found 1.01
   |
30 |   calibration_error_above_noise_at_most: 1.01
   |                                          ^^^^"),
slip("precision_at_top_20_percent_at_least: 0.60", "precision_at_top_20_percent_at_least: 60", "
jobs/train_churn.yml:29:41: expected a number from 0 to 1, found 60
   |
29 |   precision_at_top_20_percent_at_least: 60
   |                                         ^^"),
]);
}

#[test]
fn slips_in_what_a_promotion_asks_and_a_card_says_are_refused() {
    assert_refused(
        "jobs/train_churn.yml",
        JobConfig::parse,
        &[
            slip(
                "seed: 20240101",
                "seed: 20240101\npromotion: {auc_below_current_at_most: 5}",
                "
jobs/train_churn.yml:27:40: expected a number from 0 to 1, found 5
   |
27 | promotion: {auc_below_current_at_most: 5}
   |                                        ^",
            ),
            slip(
                "seed: 20240101",
                "seed: 20240101\npromotion: {auc_below_champion_at_most: 0.01}",
                "
jobs/train_churn.yml:27:13: unknown key `auc_below_champion_at_most`, did you mean `auc_below_current_at_most`?
   |
27 | promotion: {auc_below_champion_at_most: 0.01}
   |             ^^^^^^^^^^^^^^^^^^^^^^^^^^
   = known keys: auc_below_current_at_most, brier_above_current_at_most",
            ),
            slip(
                "seed: 20240101",
                "seed: 20240101\ncard: {use: offers}",
                "
jobs/train_churn.yml:27:8: unknown key `use`
   |
27 | card: {use: offers}
   |        ^^^
   = known keys: owner, intended_use, not_for, limits",
            ),
            slip(
                "seed: 20240101",
                "seed: 20240101\ncard: {intended_use: ' '}",
                "
jobs/train_churn.yml:27:22: expected some words, or leave the key out
   |
27 | card: {intended_use: ' '}
   |                      ^^^",
            ),
            slip(
                "seed: 20240101",
                "seed: 20240101\ncard: {limits: [new customers, '']}",
                "
jobs/train_churn.yml:27:32: expected some words, or leave the key out
   |
27 | card: {limits: [new customers, '']}
   |                                ^^",
            ),
            slip(
                "seed: 20240101",
                "seed: 20240101\ncard: {limits: new customers}",
                "
jobs/train_churn.yml:27:16: expected a list here, such as [a, b]
   |
27 | card: {limits: new customers}
   |                ^^^^^^^^^^^^^",
            ),
        ],
    );
}

#[test]
fn a_promotion_asks_for_no_worse_figures_unless_it_says_so() {
    let file = "jobs/train_churn.yml";
    let text = fixture_text(file);
    let promotion = |text: &str| match JobConfig::parse(file, text).unwrap() {
        JobConfig::Training(job) => job.promotion,
        JobConfig::Daily(job) => panic!("{}", job.name),
    };
    assert_eq!(promotion(&text), Promotion::default());
    let stated = format!("{text}promotion:\n  auc_below_current_at_most: 0.01\n  brier_above_current_at_most:\n");
    let expected = Promotion { auc_below_current_at_most: Some(0.01), brier_above_current_at_most: None };
    assert_eq!(promotion(&stated), expected);
}

/// The fixture with another algorithm.
fn with_algorithm(algorithm: &str) -> Result<Algorithm, String> {
    let file = "jobs/train_churn.yml";
    let text = fixture_text(file);
    let (before, rest) = text.split_once("algorithm:").unwrap();
    let (_, after) = rest.split_once("calibration:\n  kind").unwrap();
    let text = format!("{before}algorithm: {algorithm}\ncalibration:\n  kind{after}");
    match JobConfig::parse(file, &text).map_err(|error| error.to_string())? {
        JobConfig::Training(job) => Ok(job.algorithm),
        JobConfig::Daily(job) => panic!("{}", job.name),
    }
}

#[test]
fn every_kind_of_model_has_settings_of_its_own() {
    let forest = with_algorithm("{kind: forest, trees: 300, depth: 20, prior_rows: 5}").unwrap();
    assert_eq!((forest.kind, forest.trees, forest.rounds), (AlgorithmKind::Forest, Some(300), None));
    for good in ["{kind: tree}", "{kind: logistic, l2: 0, clip_quantile: 0.2}", "{kind: auto, candidates: 12}"] {
        assert!(with_algorithm(good).is_ok(), "{good}");
    }
    for (wrong, message) in [
        ("{kind: forest, trees: 0}", "expected a number from 1 to 5000, found 0"),
        ("{kind: forest, prior_rows: 0}", "expected a number from 0.001 to 1000, found 0"),
        ("{kind: tree, depth: 21}", "expected a number from 1 to 20, found 21"),
        ("{kind: tree, trees: 10}", "`trees` is no setting of a single tree: those are depth, minimum_leaf_rows"),
        ("{kind: logistic, l2: 1000001}", "expected a number from 0 to 1000000, found 1000001"),
        ("{kind: logistic, clip_quantile: 0.5}", "expected a number from 0 to 0.2, found 0.5"),
        ("{kind: auto, candidates: 201}", "expected a number from 1 to 200, found 201"),
        ("{kind: auto, l2: 1}", "`l2` is no setting of a search over all kinds: those are candidates"),
        (
            "{kind: forest, learning_rate: 0.1}",
            "`learning_rate` is no setting of a forest: those are trees, depth, rows_per_tree, columns_per_tree, minimum_leaf_rows, \
             prior_rows",
        ),
    ] {
        let refused = with_algorithm(wrong).unwrap_err();
        assert!(refused.lines().next().is_some_and(|line| line.ends_with(message)), "{wrong}: {refused}");
    }
}

#[test]
fn a_job_on_record_names_the_stated_settings_alone() {
    let tree = with_algorithm("{kind: tree, depth: 3}").unwrap();
    assert_eq!(serde_json::to_string(&tree).unwrap(), r#"{"kind":"tree","depth":3}"#);
}

#[test]
fn limits_of_the_circuit_breaker_are_shares_and_multiples() {
    let with = |limit: &str| format!("name: daily_risk\ncircuit_breaker: {{{limit}}}");
    let refused = |limit: &str| {
        let text = fixture_text("jobs/daily_risk.yml").replacen("name: daily_risk", &with(limit), 1);
        JobConfig::parse("jobs/daily_risk.yml", &text).unwrap_err().to_string()
    };
    assert_eq!(
        refused("rows_lost_at_most: 40"),
        "jobs/daily_risk.yml:2:38: expected a number from 0 to 1, found 40
  |
2 | circuit_breaker: {rows_lost_at_most: 40}
  |                                      ^^"
    );
    let message = refused("spend_multiple_at_most: 0.5");
    assert!(message.contains(":2:43: expected a number of at least 1, found 0.5"), "{message}");
    let message = refused("rows_lost_at_mos: 0.5");
    assert!(message.contains(":2:19: unknown key `rows_lost_at_mos`, did you mean `rows_lost_at_most`?"), "{message}");
    let text = fixture_text("jobs/daily_risk.yml").replacen("name: daily_risk", &with("rows_lost_at_most: 0.6"), 1);
    let JobConfig::Daily(job) = JobConfig::parse("jobs/daily_risk.yml", &text).unwrap() else { panic!("a daily job") };
    assert_eq!(job.circuit_breaker, CircuitBreaker { rows_lost_at_most: 0.6, ..CircuitBreaker::default() });
}
