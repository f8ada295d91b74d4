//! The text of cards.

use super::*;

fn ds(day: &str) -> Ds {
    day.parse().unwrap()
}

fn cut(day: &str, label_end: &str, used_for: CutUse, customers: u64, churned: u64) -> Cut {
    Cut { day: ds(day), label_end: ds(label_end), used_for, customers, churned }
}

fn figure(name: &str, model: f64, baseline: Option<f64>) -> Figure {
    Figure { name: name.into(), model, baseline, attainable: None, interval: None }
}

fn feature(name: &str, description: &str, importance: f64) -> Feature {
    Feature { name: name.into(), description: description.into(), importance }
}

fn card() -> ModelCard {
    let held_back = Reliability {
        base_rate: 0.412,
        mean_probability: 0.4118,
        brier: 0.14512,
        ece: 0.0101,
        ece_noise_floor: 0.0123,
    };
    let test =
        Reliability { base_rate: 0.391, mean_probability: 0.43, brier: 0.1501, ece: 0.0402, ece_noise_floor: 0.017 };
    ModelCard {
        model: "churn".into(),
        version: "3".into(),
        trained_at: "2026-01-05T04:02:11Z".parse().unwrap(),
        purpose: Purpose {
            description: Some("Who will not order again within 90 days.".into()),
            owner: Some("CRM analytics".into()),
            intended_use: Some("Deciding whom to offer a retention\nintervention.".into()),
            not_for: vec!["Credit, prices or anything that decides what a person may buy.".into()],
            limits: vec!["Knows nothing of customers in their first 30 days.".into()],
        },
        data: Data {
            simulated: false,
            as_of: "2026-01-05T00:00:00Z".parse().unwrap(),
            trained_until: ds("2025-10-07"),
            sources: vec![SourceTable {
                table: "retailer.orders".into(),
                files: 12,
                rows: 1_234_567,
                rows_known: Some(1_198_000),
            }],
            cuts: vec![
                cut("2025-06-09", "2025-09-07", CutUse::Calibration, 1500, 600),
                cut("2025-07-09", "2025-10-07", CutUse::Fit, 1540, 640),
            ],
            cuts_missing: Some(
                "1 of 8 cuts to train on and 2 of 13 to calibrate on: the history begins on 2024-12-11".into(),
            ),
            sampled: Some(Sampled { share: 0.25, eligible_at_test_cut: 6_412 }),
            test: cut("2025-10-07", "2026-01-05", CutUse::Test, 1595, 623),
        },
        shape: Shape { algorithm: "boosted trees".into(), trees: 200, terms: 0, leaves: 3120, depth: 4 },
        features: vec![
            feature("days_since_last_order", "Days since the last order | return.", 0.31),
            feature("orders_90d", "Orders of the last 90 days.", 0.12),
            feature("tickets_30d", "", 0.0),
        ],
        baseline: "days_since_last_order".into(),
        figures: vec![
            Figure { interval: Some([0.931, 0.955]), ..figure("AUC", 0.9432, Some(0.88)) },
            Figure { attainable: Some(1.0), ..figure("precision at the top 20 %", 0.931, Some(0.85)) },
            figure("Brier", 0.1501, None),
        ],
        segments: vec![
            Segment {
                by: "value_tier".into(),
                group: "gold".into(),
                customers: 320,
                figures: BTreeMap::from([("AUC".into(), 0.91), ("churn rate".into(), 0.25)]),
                intervals: BTreeMap::from([("AUC".into(), [0.872, 0.948])]),
            },
            Segment {
                by: "value_tier".into(),
                group: "bronze".into(),
                customers: 12,
                figures: BTreeMap::from([("churn rate".into(), 0.5)]),
                intervals: BTreeMap::new(),
            },
        ],
        calibration: Calibration { slope: 1.0321, intercept: -0.0412, held_back, test },
        gates: vec![
            Gate { name: "auc_at_least".into(), threshold: 0.8, figure: Some(0.9432), attainable: None, passed: true },
            Gate {
                name: "history_days_at_least".into(),
                threshold: 365.0,
                figure: Some(300.0),
                attainable: None,
                passed: false,
            },
        ],
        lineage: Lineage {
            job: "train_churn".into(),
            ds: ds("2026-01-05"),
            run_id: RunId::new("0198"),
            seed: 20_240_101,
            code_version: "mainstay 0.1.0".into(),
            model: Digest::of(b"model"),
            sql: Digest::of(b"sql"),
            sources: Digest::of(b"sources"),
            sources_file: "artefacts/train_churn/ds=2026-01-05/0198/sources.json".into(),
            training_rows: Digest::of(b"training"),
            test_rows: Digest::of(b"test"),
        },
    }
}

#[test]
fn a_card_shows_all_of_a_version() {
    insta::assert_snapshot!("card", card().markdown());
}

#[test]
fn what_the_project_does_not_say_is_asked_for() {
    let silent = ModelCard { purpose: Purpose::default(), segments: Vec::new(), ..card() };
    let text = silent.markdown();
    assert!(text.contains("state `card.intended_use` in the training job"), "{text}");
    assert!(text.contains("reports no segments"), "{text}");
    assert!(!text.contains("Owner") && !text.contains("Not for"), "{text}");
}

#[test]
fn a_model_of_simulated_data_says_so() {
    let mut simulated = card();
    simulated.data.simulated = true;
    assert!(simulated.markdown().contains("## Data\n\n**Simulated data: of invented customers. Not for use.**\n\nThe"));
    assert!(!card().markdown().contains("Simulated"));
}

#[test]
fn a_card_without_failed_gates_says_so() {
    let mut passed = card();
    passed.gates.retain(|gate| gate.passed);
    assert!(passed.markdown().contains("All gates passed."));
}

#[test]
fn a_linear_model_has_terms_in_the_place_of_trees() {
    let shape = Shape { algorithm: "logistic regression".into(), trees: 0, terms: 2, leaves: 0, depth: 0 };
    let text = ModelCard { shape, ..card() }.markdown();
    assert!(text.contains("; logistic regression, 2 terms."), "{text}");
    assert!(text.contains("the model has terms of 2. Importance is how far a feature's term reaches"), "{text}");
    let shape = Shape { algorithm: "single tree".into(), trees: 1, terms: 0, leaves: 14, depth: 5 };
    assert!(ModelCard { shape, ..card() }.markdown().contains("; single tree, 1 tree of 14 leaves."));
}

#[test]
fn most_features_are_listed_in_the_json_alone() {
    let mut many = card();
    many.features = (0..40).map(|index| feature(&format!("f{index}"), "A feature.", 1.0 / 40.0)).collect();
    let text = many.markdown();
    assert!(text.contains("| `f24` |") && !text.contains("| `f25` |"), "{text}");
    assert!(text.contains("15 more are in the JSON of this card."), "{text}");
}

#[test]
fn every_table_has_cells_for_its_header() {
    let text = card().markdown();
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    let lines: Vec<&str> = text.lines().collect();
    for pair in lines.windows(2).filter(|pair| pair[0].starts_with('|') && pair[1].starts_with('|')) {
        assert_eq!(cells(pair[0]), cells(pair[1]), "{pair:?}");
    }
}

#[test]
fn a_card_is_read_back_from_its_json() {
    let json = serde_json::to_string(&card()).unwrap();
    assert_eq!(serde_json::from_str::<ModelCard>(&json).unwrap(), card());
}

/// Cards of every release name the figures of the calibration so.
#[test]
fn the_json_of_a_card_keeps_its_names() {
    let card = card();
    let json = serde_json::to_value(&card).unwrap();
    let held_back = serde_json::json!({
        "base_rate": 0.412, "mean_probability": 0.4118, "brier": 0.14512, "error": 0.0101, "noise_floor": 0.0123,
    });
    assert_eq!(json["calibration"]["held_back"], held_back);
    assert_eq!(serde_json::from_value::<ModelCard>(json).unwrap(), card);
}
