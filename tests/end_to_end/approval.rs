//! Which model may spend: one whose gates failed treats nobody until somebody answers for it; one that knows the future of the day, or
//! has learnt its features otherwise, does not score unless that is accepted.

use serde_json::{Value, json};

use crate::harness::{Project, text};

fn day(date: &str) -> [&str; 4] {
    ["run", "daily_risk", "--date", date]
}

fn allocation(run: &Value) -> (u64, i64) {
    let allocation = &run["record"]["details"]["allocation"];
    (allocation["treated"].as_u64().unwrap(), allocation["spent_cents"].as_i64().unwrap())
}

/// Every decision of a day as (decision, reason).
fn decisions(project: &Project, date: &str) -> Vec<(String, String)> {
    let shown = project.json(&["show", "allocation", "--date", date]);
    let of = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let rows = shown["decisions"].as_array().unwrap().iter();
    rows.map(|row| (of(row, "decision"), of(row, "decision_reason"))).collect()
}

fn assert_nobody_is_treated(project: &Project, date: &str) {
    let mut reasons = decisions(project, date);
    reasons.sort();
    let none = |reason: &str| ("none".to_owned(), reason.to_owned());
    assert_eq!(reasons, [none("model_not_approved"), none("not_scored")]);
    for view in ["risk", "allocation", "run"] {
        let shown = text(&project.output(&["show", view, "--date", date]).stdout);
        assert!(shown.contains("NOBODY IS TREATED: model churn version 1 has failed "), "{shown}");
    }
}

#[test]
fn a_model_whose_gates_failed_treats_nobody_until_somebody_overrides_them() {
    let project = Project::copy();
    project.edit("jobs/train_churn.yml", "auc_at_least: 0.80", "auc_at_least: 0.999");
    // Floors cannot be kept without offers, and are not asked for.
    let floors = "rules:\n  limits:\n    - {channel: email, least_contacts: 1}\ninterventions:";
    project.edit("jobs/policies/retention.yml", "interventions:", floors);
    let first = project.output(&day("2025-08-01"));
    let told = text(&first.stderr);
    assert!(first.status.success(), "{told}");
    let last = told.trim_end().lines().last().unwrap();
    assert!(last.starts_with("warning: NOBODY IS TREATED: model churn version 1 has failed auc_at_least"), "{told}");
    assert!(last.contains("`mainstay promote churn 1 --override auc_at_least"), "{told}");
    let second = project.json(&day("2025-08-02"));
    assert_eq!(allocation(&second), (0, 0));
    assert!(second["record"]["details"]["population"]["scored"].as_u64().unwrap() > 100, "risk is published");
    ["2025-08-01", "2025-08-02"].iter().for_each(|date| assert_nobody_is_treated(&project, date));
    assert_eq!(project.json(&["show", "allocation"])["month"]["committed_cents"], 0);
    let verified = project.json(&["verify"]);
    assert_eq!(verified["verified"], true, "{verified}");

    let failed = second["record"]["details"]["model"]["approval"]["failed_gates"].as_array().unwrap();
    let mut promote = vec!["promote", "churn", "champion", "--by", "ana"];
    let message = project.failure(&promote);
    assert!(
        message.contains("churn version 1 is not promoted to champion: gate auc_at_least failed with"),
        "{message}"
    );
    promote.extend(["--why", "a pilot"]);
    failed.iter().for_each(|gate| promote.extend(["--override", gate.as_str().unwrap()]));
    let promoted = project.json(&promote);
    assert_eq!((&promoted["is_changed"], &promoted["entry"]["number"]), (&json!(true), &json!(2)));
    assert_eq!((&promoted["entry"]["version"], &promoted["entry"]["overridden"]), (&json!("1"), &json!(failed)));
    assert_eq!(project.json(&promote)["is_changed"], false, "it is approved already");

    let third = project.json(&day("2025-08-03"));
    assert!(allocation(&third).0 > 0 && allocation(&third).1 > 0, "{third}");
    assert_eq!(third["record"]["details"]["model"]["approval"]["overridden_by"], 2);
    let verified = project.json(&["verify"]);
    assert_eq!(verified["verified"], true, "{verified}");

    project.json(&["rollback", "churn", "--by", "bo", "--why", "the pilot is over"]);
    assert_eq!(allocation(&project.json(&day("2025-08-04"))), (0, 0));
    assert_nobody_is_treated(&project, "2025-08-04");
}

#[test]
fn a_model_that_knows_the_future_of_the_day_is_refused_unless_that_is_accepted() {
    let project = Project::reference();
    project.json(&["run", "train_churn", "--date", "2025-08-20"]);
    let before = day("2025-05-01");
    let message = project.failure(&before);
    for part in [
        "model churn version 1 was trained on what happened until 2025-05-22: for 2025-05-01 it knows the future",
        "`mainstay run daily_risk --date 2025-05-01 --accept model_knows_future --why TEXT`",
    ] {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    assert!(!project.has_published());
    let unexplained = project.output(&[&before[..], &["--accept", "model_knows_future"]].concat());
    assert_eq!(unexplained.status.code(), Some(2), "{}", text(&unexplained.stderr));
    let accept = ["--accept", "model_knows_future", "--by", "ana", "--why"];
    let message = project.failure(&[&before[..], &accept, &[" "]].concat());
    assert!(message.contains("--why is empty: say why it is accepted, which stands in the run record"), "{message}");

    let run = project.json(&[&before[..], &accept, &["a replay for the audit"]].concat());
    let accepted = &run["record"]["details"]["accepted"];
    assert_eq!(accepted["names"], json!(["model_knows_future"]));
    assert_eq!((accepted["by"].as_str(), accepted["why"].as_str()), (Some("ana"), Some("a replay for the audit")));
    let shown = text(&project.output(&["show", "run"]).stdout);
    assert!(shown.contains("accepted by ana: model_knows_future (a replay for the audit)"), "{shown}");
    let days = ["backfill", "daily_risk", "--from", "2025-05-02", "--to", "2025-05-02"];
    let message = project.failure(&days);
    assert!(
        message.contains("the backfill stopped at 2025-05-02") && message.contains("knows the future"),
        "{message}"
    );
    project.json(&[&days[..], &accept, &["as before"]].concat());
    let run = project.json(&[&day("2025-08-20")[..], &accept, &["habit"]].concat());
    assert_eq!(run["record"]["details"]["accepted"], Value::Null, "it was not needed");
}

#[test]
fn a_feature_or_a_variable_that_is_not_as_it_was_learnt_is_refused_by_name() {
    let project = Project::copy();
    project.json(&day("2025-08-01"));
    let (feature, hours) =
        ("cast(days_since_last_order as double) as", "cast(days_since_last_order * 24 as double) as");
    let (sql, next) = ("sql/features/feat_orders.sql", day("2025-08-02"));
    project.edit(sql, feature, hours);
    let message = project.failure(&next);
    for part in [
        "model churn version 1 has learnt otherwise: days_since_last_order is defined by other SQL; undo the change",
        "with --accept skew:days_since_last_order --why TEXT",
    ] {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    project.edit("mainstay.yml", "active_days: 365 ", "active_days: 60 ");
    let message = project.failure(&next);
    let told = "variable active_days was 365 and is 60 (changes status); days_since_last_order is defined by other SQL";
    assert!(message.contains(told), "{message}");
    let one = ["--accept", "skew:active_days", "--by", "ana", "--why", "a pilot"];
    let message = project.failure(&[&next[..], &one].concat());
    assert!(message.contains("with --accept skew:days_since_last_order --why TEXT"), "{message}");
    let both = [&next[..], &one, &["--accept", "skew:days_since_last_order"]].concat();
    let message = project.failure(&both);
    assert!(message.contains(&format!("has learnt otherwise, which is accepted: {told}")), "{message}");
    assert!(message.contains("the circuit breaker stops daily_risk of 2025-08-02"), "{message}");

    // As it was, but for blanks and a comment.
    project.edit("mainstay.yml", "active_days: 60 ", "active_days: 365 ");
    project.edit(sql, hours, "-- days, not hours\n    cast( days_since_last_order as double ) as");
    // What the model does not read: the money a sale earns, and a feature that it has not learnt.
    project.edit("mainstay.yml", "margin_rate: 0.30", "margin_rate: 0.25");
    project.edit(
        "sql/features/customer_features.sql",
        "orders.days_since_last_order,",
        "orders.days_since_last_order,\n    orders.days_since_first_order / 7 as weeks_since_first_order,",
    );
    assert_eq!(project.json(&day("2025-08-03"))["record"]["details"]["accepted"], Value::Null);
}
