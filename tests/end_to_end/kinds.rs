//! A training job may fit other kinds than boosted trees: each is calibrated, judged, explained and scored with as they are.

use serde_json::Value;

use crate::harness::Project;

/// The reference project with another algorithm in its training job.
fn with_algorithm(algorithm: &str) -> Project {
    let project = Project::copy();
    let job = project.folder().join("jobs/train_churn.yml");
    let text = std::fs::read_to_string(&job).unwrap();
    let (before, rest) = text.split_once("\nalgorithm:\n").unwrap();
    let (_, after) = rest.split_once("\ncalibration:\n").unwrap();
    std::fs::write(&job, format!("{before}\nalgorithm: {algorithm}\ncalibration:\n{after}")).unwrap();
    project
}

fn number(of: &Value) -> f64 {
    of.as_f64().unwrap_or_else(|| panic!("{of} is no number"))
}

#[test]
fn a_day_is_scored_and_explained_by_a_logistic_regression() {
    let project = with_algorithm("{kind: logistic, l2: 10}");
    let details = &project.json(&["run", "daily_risk", "--date", "2025-08-01"])["record"]["details"];
    let training = &details["training"];
    assert_eq!((&training["params"]["kind"], &training["params"]["l2"]), (&"logistic".into(), &10.0.into()));
    assert_eq!(training["trees"], 0);
    let recency = number(&training["baseline"]["evaluation"]["auc"]);
    assert!(number(&training["evaluation"]["auc"]) > recency, "{}", training["evaluation"]);
    let check = &training["calibration"]["check"];
    assert!(number(&check["ece"]) <= number(&check["ece_noise_floor"]) + 0.02, "{check}");

    let customers = &project.json(&["show", "risk", "--top", "5"])["customers"];
    for customer in customers.as_array().unwrap() {
        assert!((1..=3).contains(&customer["reasons"].as_array().unwrap().len()), "{customer}");
    }
    assert_eq!(project.json(&["verify"])["verified"], true);
    let card = project.json(&["model", "card", "churn", "champion"]);
    assert_eq!(card["shape"]["algorithm"], "logistic regression");
    assert!(number(&card["shape"]["terms"]) > 20.0 && number(&card["features"][0]["importance"]) > 0.0, "{card}");
}

#[test]
fn a_search_says_what_it_tried_and_finds_the_same_twice() {
    let project = with_algorithm("{kind: auto, candidates: 4}");
    let trained = |flags: &[&str]| {
        let train = ["run", "train_churn", "--date", "2025-08-01"];
        project.json(&[&train[..], flags].concat())["record"]["details"]["training"].clone()
    };
    let first = trained(&[]);
    let trials = first["trials"].as_array().unwrap();
    let kinds: Vec<&str> = trials
        .iter()
        .filter(|trial| trial["rung"] == 1)
        .map(|trial| trial["params"]["kind"].as_str().unwrap())
        .collect();
    for kind in ["boosted", "forest", "logistic", "tree"] {
        assert!(kinds.contains(&kind), "{kind} is not among {kinds:?}");
    }
    let winner = trials.iter().rev().find(|trial| trial["kept"] == true).unwrap();
    assert_eq!(winner["params"], first["params"]);
    assert_eq!(trained(&["--force"])["digest"], first["digest"]);
}
