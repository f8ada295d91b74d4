//! One day, from generated data to tables that people and programs read.

use crate::harness::{Project, assert_honest, digests, text};

#[test]
fn publishes_reconciles_and_shows_a_day() {
    let project = Project::reference();
    let run = project.json(&["run", "daily_risk", "--date", "2025-08-01"]);
    assert_eq!(run["outcome"], "published");
    let population = &run["record"]["details"]["population"];
    let count = |name: &str| population[name].as_u64().unwrap();
    assert_eq!(count("known"), count("scored") + count("ineligible") + count("refused"));
    assert!(count("scored") > 100 && count("ineligible") > 10, "{population}");
    assert_honest(&run["record"]["details"]["training"]);

    let risk = project.json(&["show", "risk", "--top", "5"]);
    assert_eq!(risk["population"], *population);
    let customers = risk["customers"].as_array().unwrap();
    assert_eq!(customers.len(), 5);
    for customer in customers {
        let probability = customer["churn_probability"].as_f64().unwrap();
        assert!(probability > 0.0 && probability < 1.0);
        assert!(!customer["reasons"].as_array().unwrap().is_empty(), "{customer}");
    }
    let one = customers[0]["customer_id"].as_str().unwrap();
    assert_eq!(project.json(&["show", "risk", "--customer", one])["customers"][0], customers[0]);

    let allocation = project.json(&["show", "allocation"]);
    let spent = allocation["spent_cents"].as_i64().unwrap();
    assert!(spent > 0 && spent <= allocation["allowance_cents"].as_i64().unwrap());
    let by_decision = allocation["decisions"].as_array().unwrap();
    let listed: i64 = by_decision.iter().map(|row| row["cost_cents"].as_i64().unwrap()).sum();
    assert_eq!(listed, spent);
    let tiers = &allocation["fixed_tiers"];
    let cents = |name: &str| tiers[name].as_i64().unwrap();
    assert!(0 < cents("value_cents") && cents("value_cents") <= cents("plan_value_cents"), "{tiers}");

    for shown in [&["show", "risk"][..], &["show", "allocation"], &["show", "run"]] {
        let output = project.output(shown);
        assert!(output.status.success());
        assert!(text(&output.stdout).contains("2025-08-01"), "{}", text(&output.stdout));
    }
    let shown = text(&project.output(&["show", "run"]).stdout);
    for part in ["no leak found", "days_since_last_order alone", "the model's lead", "from the top"] {
        assert!(shown.contains(part), "`{part}` is not in:\n{shown}");
    }
    let verified = project.json(&["verify"]);
    assert_eq!(verified["days"][0]["ds"], "2025-08-01");
    assert_eq!(verified["verified"], true, "{verified}");
}

#[test]
fn a_day_without_reasons_is_whole() {
    let project = Project::copy();
    project.json(&["run", "daily_risk", "--date", "2025-08-01"]);
    project.edit("jobs/daily_risk.yml", "reasons: 3", "reasons: 0");
    project.json(&["run", "daily_risk", "--date", "2025-08-02"]);
    for (day, reasons) in [("2025-08-01", 3), ("2025-08-02", 0)] {
        let risk = project.json(&["show", "risk", "--top", "1", "--date", day]);
        let customer = &risk["customers"][0];
        assert!(customer["churn_probability"].as_f64().is_some());
        assert_eq!(customer["reasons"].as_array().unwrap().is_empty(), reasons == 0, "{customer}");
        assert!(project.json(&["show", "allocation", "--date", day])["spent_cents"].as_i64().unwrap() > 0);
        assert_eq!(project.json(&["verify", "--date", day])["verified"], true);
    }
}

#[test]
fn a_memory_limit_changes_no_digest() {
    let project = Project::reference();
    let day = ["run", "daily_risk", "--date", "2025-08-01"];
    let free = digests(&project.json(&day));
    let limited = digests(&project.json(&[&day[..], &["--force", "--memory-limit-mb", "100"]].concat()));
    assert_eq!(limited, free);
}

#[test]
fn the_day_after_the_newest_data_is_the_default() {
    let project = Project::reference();
    let run = project.json(&["run", "daily_risk"]);
    assert_eq!(run["record"]["ds"], "2025-08-23");
}

#[test]
fn an_unknown_job_is_named_with_its_neighbour() {
    let message = Project::reference().failure(&["run", "daily_riks"]);
    assert!(message.contains("daily_riks") && message.contains("daily_risk"), "{message}");
}

#[test]
fn what_was_never_published_cannot_be_shown() {
    let project = Project::reference();
    let message = project.failure(&["show", "risk"]);
    assert!(message.contains("there is no such folder; run the job first"), "{message}");
    project.json(&["run", "train_churn", "--date", "2025-08-01"]);
    let message = project.failure(&["show", "risk"]);
    assert!(message.contains("no published day") && message.contains("mainstay run daily_risk"), "{message}");
    let message = project.failure(&["show", "risk", "--date", "2025-08-01"]);
    assert!(message.contains("no published day 2025-08-01") && message.contains("--date 2025-08-01"), "{message}");
}

#[test]
fn wrong_usage_has_an_exit_code_of_its_own() {
    let output = Project::reference().output(&["run", "daily_risk", "--date", "yesterday"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("write it like 2026-01-31"));
}

#[test]
fn a_tampered_table_is_found_by_verify() {
    let project = Project::reference();
    project.json(&["run", "daily_risk", "--date", "2025-08-01"]);
    let folder = project.lake().join("campaign_allocations/ds=2025-08-01");
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let message = project.failure(&["verify"]);
    assert!(message.contains("campaign_allocations/ds=2025-08-01"), "{message}");
}
