//! What a training job learns from: cuts as far back as there is a history, all customers or a draw of them, within a memory limit.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::AsArray;
use arrow::datatypes::Date32Type;
use serde_json::Value;

use crate::harness::Project;
use crate::quarantine::{plant, read};

const TRAIN: [&str; 4] = ["run", "train_churn", "--date", "2025-08-01"];

fn training(run: &Value) -> Value {
    run["record"]["details"]["training"].clone()
}

fn count(of: &Value) -> u64 {
    of.as_u64().unwrap_or_else(|| panic!("{of} is no count"))
}

#[test]
fn one_order_of_1900_makes_no_history_and_missing_cuts_are_said() {
    let project = Project::copy();
    let long_ago = "1900-01-01T10:00:00Z";
    plant(
        &project,
        "orders",
        &[&[("order_id", Some("PLANTED-1900")), ("ordered_at", Some(long_ago)), ("loaded_at", Some(long_ago))]],
    );
    let output = project.output(&[&TRAIN[..], &["-o", "json"]].concat());
    let run: Value = serde_json::from_slice(&output.stdout).unwrap();
    let trained = training(&run);
    assert_eq!((&trained["first_order"], &trained["history_from"]), (&"1900-01-01".into(), &"2024-01-01".into()));
    let gates = trained["gates"].as_array().unwrap();
    let history = gates.iter().find(|gate| gate["name"] == "history_days_at_least").unwrap();
    assert_eq!(history["value"], 488.0, "days from 2024-01-01 to the test cut");
    assert_eq!(trained["cuts"].as_array().unwrap().len(), 8, "none before 2024-06-29");

    let missing = "8 of 13 cuts to calibrate on: the history begins on 2024-01-01";
    let card = project.json(&["model", "card", "churn", "champion"]);
    assert_eq!(card["data"]["cuts_missing"], missing);
    let shown = project.output(&["model", "card", "churn", "champion"]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains(missing));
    // Rows that came after the day of the training are in the files, and not among those that it knew.
    let orders =
        card["data"]["sources"].as_array().unwrap().iter().find(|of| of["table"] == "retailer.orders").unwrap();
    assert!(count(&orders["rows_known"]) < count(&orders["rows"]), "{orders}");
    assert_eq!(trained["rows_known"]["retailer.orders"], orders["rows_known"]);
}

#[test]
fn a_draw_of_customers_is_the_same_at_every_cut() {
    let project = Project::copy();
    project.edit("jobs/train_churn.yml", "algorithm:\n", "sample_customers: 0.5\nalgorithm:\n");
    let drawn = training(&project.json(&TRAIN));
    let limited = training(&project.json(&[&TRAIN[..], &["--force", "--memory-limit-mb", "200"]].concat()));
    assert_eq!(drawn["digest"], limited["digest"], "neither the limit nor another run changes the draw");
    assert_eq!(drawn["training_rows"]["digest"], limited["training_rows"]["digest"]);
    let memory = &limited["memory"];
    assert!(count(&memory["rows_bytes"]) < count(&memory["need_bytes"]), "{memory}");
    assert!(count(&memory["need_bytes"]) < count(&memory["limit_bytes"]), "{memory}");

    let sample = &drawn["sample"];
    let (eligible, judged) = (count(&sample["eligible_at_test_cut"]), count(&drawn["evaluation"]["rows"]));
    assert_eq!(sample["share"], 0.5);
    assert!((0.4..0.6).contains(&(judged as f64 / eligible as f64)), "{judged} of {eligible}");
    // Most customers of a cut are eligible a month later: all of these stand there too, where another draw would have half of them.
    let rows = read(&project.lake().join(drawn["training_rows"]["file"].as_str().unwrap()));
    let mut by_cut: BTreeMap<i32, BTreeSet<&str>> = BTreeMap::new();
    let cuts = rows["cut"].as_primitive::<Date32Type>().values();
    for (cut, customer) in cuts.iter().zip(rows["customer_id"].as_string::<i32>().iter().flatten()) {
        by_cut.entry(*cut).or_default().insert(customer);
    }
    let cuts: Vec<&BTreeSet<&str>> = by_cut.values().collect();
    assert_eq!(cuts.len(), 8);
    for pair in cuts.windows(2) {
        let stayed = pair[0].intersection(pair[1]).count() as f64 / pair[0].len() as f64;
        assert!(stayed > 0.8, "{stayed}");
    }
    let card = project.json(&["model", "card", "churn", "champion"]);
    assert_eq!(card["data"]["sampled"]["share"], 0.5);
    assert_eq!(card["data"]["test"]["customers"].as_u64(), Some(judged));
    // The day that follows is held against all customers of the training, not against the draw.
    let run = project.json(&["run", "daily_risk", "--date", "2025-08-01"]);
    assert_eq!(run["outcome"], "published");
}
