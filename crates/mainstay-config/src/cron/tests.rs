use super::*;

fn cron(text: &str) -> Cron {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn next(text: &str, zone_name: &str, after: &str, count: usize) -> Vec<String> {
    let instants = cron(text).next(after.parse().unwrap(), &zone(zone_name), count);
    instants.iter().map(ToString::to_string).collect()
}

#[test]
fn reads_what_cron_reads() {
    for text in
        ["0 4 * * *", "*/15 0-6,22 1,15 jan-MAR 1-5", "59 23 31 12 7", "0 0/2 * * MON", "0 4 29 2 *", "0 4 31 2 1"]
    {
        cron(text);
    }
    assert_eq!(cron("0 0/7 * * *").hours.numbers, [0, 7, 14, 21]);
    assert_eq!(cron("0 4 * * 5-7,mon").weekdays.numbers, [0, 1, 5, 6]);
    assert!(cron("0 4 * * 0-7").weekdays.is_all() && cron("0 4 1-31 * *").days.is_all());
    assert!(!cron("0 4 */2 * *").days.is_all());
}

#[test]
fn refuses_what_never_comes_and_what_cron_does_not_know() {
    for text in [
        "60 4 * * *",
        "0 24 * * *",
        "0 4 0 * *",
        "0 4 * 13 *",
        "0 4 * * 8",
        "*/0 4 * * *",
        "0 6-4 * * *",
        "0 4 * * x",
        "0 4 * *",
        "@daily",
        ", 4 * * *",
        "+5 4 * * *",
        "0 4 L * *",
        "0 4 * * MON#1",
        "0 4 ? * *",
    ] {
        assert!(text.parse::<Cron>().is_err(), "{text}");
    }
    let error = "0 4 30,31 2 *".parse::<Cron>().unwrap_err();
    assert_eq!(error.to_string(), "`0 4 30,31 2 *` never comes: none of its months has such a day");
}

#[test]
fn four_in_the_morning_is_four_by_the_clock_of_new_york() {
    // Winter: five hours behind UTC.
    assert_eq!(next("0 4 * * *", "America/New_York", "2026-01-15T04:00:00Z", 1), ["2026-01-15T09:00:00Z"]);
    // Summer: four.
    assert_eq!(next("0 4 * * *", "America/New_York", "2026-07-15T04:00:00Z", 1), ["2026-07-15T08:00:00Z"]);
    let over_the_change = ["2026-03-07T09:00:00Z", "2026-03-08T08:00:00Z", "2026-03-09T08:00:00Z"];
    assert_eq!(next("0 4 * * *", "America/New_York", "2026-03-07T00:00:00Z", 3), over_the_change);
    let and_back = ["2026-10-31T08:00:00Z", "2026-11-01T09:00:00Z", "2026-11-02T09:00:00Z"];
    assert_eq!(next("0 4 * * *", "America/New_York", "2026-10-31T00:00:00Z", 3), and_back);
}

#[test]
fn a_time_that_the_clock_skips_does_not_come_up_and_is_said() {
    // What `systemd-analyze calendar` gives for `*-*-* 02:30:00 America/New_York`.
    assert_eq!(
        next("30 2 * * *", "America/New_York", "2026-03-07T17:00:00Z", 2),
        ["2026-03-09T06:30:00Z", "2026-03-10T06:30:00Z"]
    );
    let skipped = cron("30 2 * * *").skipped("2026-01-01T00:00:00Z".parse().unwrap(), &zone("America/New_York"), 365);
    assert_eq!(skipped, ["2026-03-08T02:30:00".parse().unwrap()]);
    assert!(
        cron("0 4 * * *").skipped("2026-01-01T00:00:00Z".parse().unwrap(), &zone("America/New_York"), 365).is_empty()
    );
}

#[test]
fn a_time_that_the_clock_passes_twice_comes_up_once() {
    // What `systemd-analyze calendar` gives for `*-*-* *:00,30:00 America/New_York`.
    let times = ["2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z", "2026-11-01T07:00:00Z", "2026-11-01T07:30:00Z"];
    assert_eq!(next("0,30 * * * *", "America/New_York", "2026-11-01T04:30:00Z", 4), times);
}

#[test]
fn days_of_month_and_week_go_together_as_in_cron() {
    // The 13th, and every Friday.
    assert_eq!(
        next("0 4 13 * FRI", "UTC", "2026-01-07T00:00:00Z", 4),
        ["2026-01-09T04:00:00Z", "2026-01-13T04:00:00Z", "2026-01-16T04:00:00Z", "2026-01-23T04:00:00Z"]
    );
    // With a star, only Fridays that are odd days too.
    assert_eq!(
        next("0 4 */2 * FRI", "UTC", "2026-01-07T00:00:00Z", 2),
        ["2026-01-09T04:00:00Z", "2026-01-23T04:00:00Z"]
    );
    assert_eq!(next("0 4 29 2 *", "UTC", "2026-01-01T00:00:00Z", 1), ["2028-02-29T04:00:00Z"]);
}

#[test]
fn the_instants_are_those_of_a_walk_by_minutes() {
    let walked = |cron: &Cron, zone: &TimeZone, after: Timestamp, minutes: i64| {
        let instants = (1..=minutes).map(|minute| after + jiff::SignedDuration::from_mins(minute));
        let fits = |instant: &Timestamp| {
            let local = instant.to_zoned(zone.clone());
            let first = zone.to_ambiguous_zoned(local.datetime()).earlier().unwrap().timestamp() == *instant;
            first
                && cron.minutes.contains(local.minute())
                && cron.hours.contains(local.hour())
                && cron.names(local.date())
        };
        instants.filter(fits).collect::<Vec<_>>()
    };
    for text in ["0 4 * * *", "*/20 1-3 * * *", "15 2 * 3,10,11 0", "30 */6 1,8 * SAT", "59 23 * * 1-5"] {
        for name in ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC"] {
            for after in
                ["2026-03-05T00:00:00Z", "2026-03-27T00:00:00Z", "2026-10-02T00:00:00Z", "2026-10-30T00:00:00Z"]
            {
                let (cron, zone, after) = (cron(text), zone(name), after.parse().unwrap());
                let walked = walked(&cron, &zone, after, 5 * 24 * 60);
                assert_eq!(cron.next(after, &zone, walked.len()), walked, "{text} in {name} after {after}");
            }
        }
    }
}

#[test]
fn counts_how_often_it_comes_up_at_most() {
    assert_eq!(cron("0 4 * * *").most_within_hours(16), 1);
    assert_eq!(cron("0 4,19 * * *").most_within_hours(16), 2);
    assert_eq!(cron("0 23,1 * * *").most_within_hours(3), 2);
    assert_eq!(cron("*/15 * * * *").most_within_hours(16), 64);
}
