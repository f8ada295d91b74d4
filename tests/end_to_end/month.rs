//! Thirty days in a row: the budget holds, the cooldown holds, and the money lasts.

use std::collections::BTreeMap;

use crate::harness::Project;

const BUDGET_CENTS: i64 = 100_000;
const COOLDOWN_DAYS: i64 = 14;

#[test]
fn thirty_days_keep_budget_and_cooldown() {
    let project = Project::copy();
    project.edit("jobs/policies/retention.yml", "amount: 50000.00", "amount: 1000.00");
    project.edit("jobs/policies/retention.yml", "cooldown_days: 30", "cooldown_days: 14");
    // The data go on until August: seen from there, everybody who was contacted since would be left alone.
    let range = ["--from", "2025-06-01", "--to", "2025-06-30", "--suppression-as-of", "04:00"];
    let runs = project.json(&[&["backfill", "daily_risk"], &range[..]].concat());
    let runs = runs["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 30);

    let spent: Vec<i64> =
        runs.iter().map(|run| run["record"]["details"]["allocation"]["spent_cents"].as_i64().unwrap()).collect();
    let total: i64 = spent.iter().sum();
    assert!(total <= BUDGET_CENTS, "{spent:?}");
    assert!(total >= BUDGET_CENTS / 2, "money that was worth spending was left: {spent:?}");
    assert!(spent[0] * 4 <= BUDGET_CENTS, "spent on day one: {spent:?}");
    assert!(spent.iter().filter(|&&cents| cents > 0).count() >= 20, "{spent:?}");

    let mut last_treated: BTreeMap<String, i64> = BTreeMap::new();
    for day in 1..=30i64 {
        let date = format!("2025-06-{day:02}");
        let shown = project.json(&["show", "allocation", "--date", &date, "--top", "100000"]);
        for customer in shown["customers"].as_array().unwrap() {
            let id = customer["customer_id"].as_str().unwrap();
            if let Some(before) = last_treated.insert(id.to_owned(), day) {
                assert!(day - before > COOLDOWN_DAYS, "{id} treated on day {before} and again on day {day}");
            }
        }
    }
    assert!(!last_treated.is_empty());

    let verified = project.json(&["verify"]);
    assert_eq!(verified["verified"], true, "{verified}");
    assert_eq!(verified["days"].as_array().unwrap().len(), 30);
    let month = &project.json(&["show", "allocation"])["month"];
    assert_eq!(month["committed_cents"].as_i64().unwrap(), total);
    assert_eq!(month["balance_cents"].as_i64().unwrap(), BUDGET_CENTS - total);
}
