//! A real retailer: two years of invoices, mapped by staging SQL alone.

use crate::harness::{Project, assert_honest, real_data, root};

#[test]
#[cfg_attr(not(has_online_retail_ii), ignore = "its data are absent: expected in ../shared/data/online_retail_ii")]
fn the_reference_cut_has_its_customers_and_an_honest_test() {
    let data = real_data("online_retail_ii");
    let project = Project::at(&root().join("tests/projects/online_retail_ii"), &format!("data: {}", data.display()));

    // Labels of the test cut of 2011-09-01 are complete at 2011-11-30, and training label windows end before the test cut.
    let trained = project.json(&["run", "train_churn", "--date", "2011-11-30"]);
    let training = &trained["record"]["details"]["training"];
    assert_eq!(training["test_cut"], "2011-09-01");
    for cut in training["cuts"].as_array().unwrap() {
        assert!(cut["label_end"].as_str().unwrap() <= "2011-09-01", "{cut}");
    }
    assert_honest(training);
    let test = &training["evaluation"];
    assert_eq!(test["rows"], 4335);
    assert!((test["base_rate"].as_f64().unwrap() - 0.505).abs() < 0.001, "{test}");
    let recency = training["baseline"]["evaluation"]["auc"].as_f64().unwrap();
    assert!((recency - 0.709).abs() < 0.002, "{recency}");
    assert!(test["auc"].as_f64().unwrap() > recency + 0.02, "{test}");
    assert!(test["brier"].as_f64().unwrap() < 0.25, "{test}");

    // Probabilities hold on customers held back in turn, and a curve learnt from a whole year brings those of the later cut nearer to
    // what happened. Its season has fewer churners than the year: how far the rate moved stands beside the error.
    let calibration = &training["calibration"];
    let figure = |of: &str, name: &str| calibration[of][name].as_f64().unwrap();
    assert!(figure("check", "ece") <= figure("check", "ece_noise_floor") + 0.01, "{calibration}");
    assert!(figure("test", "brier") < figure("test", "uncalibrated_brier"), "{calibration}");
    let shift = calibration["base_rate_shift"].as_f64().unwrap();
    assert!((-0.085..-0.065).contains(&shift), "{calibration}");
    assert!((figure("test", "base_rate") - 0.505).abs() < 0.001);

    // Gates that fail are shown as failed, with their figure, and the first champion is flagged.
    let gates = training["gates"].as_array().unwrap();
    let auc_gate = gates.iter().find(|gate| gate["name"].as_str().unwrap().contains("auc")).unwrap();
    assert_eq!(auc_gate["passed"].as_bool().unwrap(), auc_gate["value"].as_f64().unwrap() >= 0.80);

    // The season's rate moved by .08: the probabilities of the later cut are off by more than a season may move them.
    let later = gates.iter().find(|gate| gate["name"] == "calibration_error_at_test_cut_above_noise_at_most").unwrap();
    assert_eq!(later["threshold"], 0.05);
    assert_eq!(later["passed"], false, "{later}");

    let run = project.json(&["run", "daily_risk", "--date", "2011-09-01"]);
    let details = &run["record"]["details"];
    assert_eq!(details["allocation"]["treated"], 0, "gates failed, and nobody has overridden them");
    let population = &details["population"];
    let count = |name: &str| population[name].as_u64().unwrap();
    assert_eq!(count("scored") + count("refused"), 4335);
    assert_eq!(count("known"), count("scored") + count("ineligible") + count("refused"));
    let any_failed = gates.iter().any(|gate| gate["passed"] == false);
    assert_eq!(details["model"]["gates_failed"].as_bool().unwrap(), any_failed);
    assert_eq!(project.json(&["verify"])["verified"], true);
}
