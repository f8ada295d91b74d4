//! The list of published tables.

use mainstay_schema::table::{PublishedTable, TABLES};

#[test]
fn names_stand_once_and_a_day_ends_with_what_was_decided() {
    let mut names: Vec<String> = TABLES.iter().map(PublishedTable::name).collect();
    let of_day: Vec<String> = PublishedTable::of_day().map(PublishedTable::name).collect();
    assert_eq!(of_day, ["quarantine", "customer_features", "customer_risk", "campaign_allocations"]);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), TABLES.len());
}
