use super::*;

fn finding(name: &str, check: Check, figure: f64, usual: f64) -> Measure {
    let message = format!("{figure} beside {usual}");
    Measure { name: name.to_owned(), check, of: String::new(), figure, usual, strain: 2.0, message }
}

fn ds() -> Ds {
    "2025-04-15".parse().unwrap()
}

fn accepted(finding: Measure) -> Accepted {
    Accepted { finding, ds: ds(), by: "ana".into(), why: "known".into(), at: Timestamp::UNIX_EPOCH }
}

/// Whether a finding stops a run on the day after another was accepted.
fn stops(then: Measure, now: &Measure) -> bool {
    let verdict = Verdict::of(ds().plus_days(1), [now], &[accepted(then)], None);
    assert_eq!(verdict.stops.is_empty(), verdict.standing.len() == 1);
    !verdict.stops.is_empty()
}

const ORDERS: &str = "source:retailer.orders";

#[test]
fn a_finding_stops_unless_its_very_name_is_accepted() {
    let found = [finding(ORDERS, Check::RowsOfDay, 0.0, 100.0), finding("risk", Check::Risk, 0.6, 0.3)];
    let acceptance = Acceptance {
        names: vec!["risk".parse().unwrap()],
        by: "ana".into(),
        why: "a new model".into(),
        at: Timestamp::UNIX_EPOCH,
    };
    let verdict = Verdict::of(ds(), &found, &[], Some(&acceptance));
    assert_eq!(verdict.stops, found[..1]);
    assert_eq!(verdict.accepted.len(), 1);
    let kept = &verdict.accepted[0];
    assert_eq!((kept.by.as_str(), kept.why.as_str(), kept.ds, &kept.finding), ("ana", "a new model", ds(), &found[1]));
}

#[test]
fn what_was_accepted_stands_until_it_is_worse() {
    let rows = |figure| finding(ORDERS, Check::RowsOfDay, figure, 100.0);
    assert!(!stops(rows(50.0), &rows(45.0)));
    assert!(stops(rows(50.0), &rows(20.0)), "half of what was left is gone");
    assert!(stops(rows(50.0), &rows(1_500.0)), "a jump the other way is another one");
    assert!(!stops(finding("spend", Check::Spend, 300.0, 100.0), &finding("spend", Check::Spend, 350.0, 100.0)));
    assert!(stops(finding("spend", Check::Spend, 300.0, 100.0), &finding("spend", Check::Spend, 900.0, 100.0)));
    assert!(stops(rows(50.0), &finding("source:retailer.web_events", Check::RowsOfDay, 50.0, 100.0)));
}

#[test]
fn a_silence_covers_its_days_and_a_lost_day_no_other() {
    let of_day = |of: &str| Measure { of: of.to_owned(), ..finding(ORDERS, Check::RowsOfDay, 0.0, 100.0) };
    let lost = of_day("2025-04-14");
    let silence = |days| finding(ORDERS, Check::Silence, days, 1.0);
    assert!(!stops(lost.clone(), &lost));
    assert!(stops(lost.clone(), &of_day("2025-04-15")), "the next day is lost too");
    assert!(stops(lost.clone(), &finding(ORDERS, Check::RowsOfWeek, 300.0, 700.0)));
    assert!(stops(lost.clone(), &silence(5.0)));
    assert!(!stops(silence(5.0), &silence(50.0)));
    assert!(!stops(silence(5.0), &of_day("2025-04-15")));
    assert!(!stops(finding(ORDERS, Check::RowsOfWeek, 0.0, 700.0), &of_day("2025-04-15")));
    assert!(stops(lost, &finding(ORDERS, Check::Amount, 500.0, 5.0)), "amounts are another matter");
}

#[test]
fn names_are_read_as_they_are_written() {
    for name in ["source:retailer.orders", "feature:orders_30d", "population", "risk", "treated", "spend"] {
        assert_eq!(name.parse::<Subject>().unwrap().to_string(), name);
    }
    for name in ["sources:retailer.orders", "source:", "everything", ""] {
        let message = name.parse::<Subject>().unwrap_err();
        assert!(message.contains("is nothing that stops a run"), "{message}");
    }
}
