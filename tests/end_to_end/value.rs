//! The money of a day adds up, from the customer to the segment.

use std::collections::BTreeMap;

use crate::harness::Project;

#[test]
fn segments_are_the_sums_of_their_customers() {
    let project = Project::reference();
    project.json(&["run", "daily_risk", "--date", "2025-08-01"]);
    let risk = project.json(&["show", "risk", "--top", "100000"]);
    let mut sums: BTreeMap<&str, [i64; 3]> = BTreeMap::new();
    for customer in risk["customers"].as_array().unwrap() {
        let Some(segment) = customer["segment"].as_str() else { continue };
        let cents = |name: &str| customer[name].as_i64().unwrap();
        let at_risk = cents("revenue_at_risk_cents");
        assert!(at_risk >= 0 && cents("clv_cents") >= 0, "{customer}");
        let sum = sums.entry(segment).or_default();
        *sum = [sum[0] + 1, sum[1] + at_risk, sum[2] + cents("clv_cents")];
    }
    let segments = risk["segments"].as_array().unwrap();
    let shown = segments.iter().map(|segment| {
        let figures = ["customers", "revenue_at_risk_cents", "clv_cents"].map(|name| segment[name].as_i64().unwrap());
        (segment["segment"].as_str().unwrap(), figures)
    });
    assert_eq!(shown.collect::<BTreeMap<_, _>>(), sums);
    let customers: i64 = sums.values().map(|[customers, ..]| customers).sum();
    assert_eq!(customers, risk["population"]["scored"].as_i64().unwrap());
    assert!(sums.len() > 3, "{sums:?}");
}
