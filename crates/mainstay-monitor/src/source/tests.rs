use proptest::prelude::*;

use super::*;

const LIMITS: fn() -> CircuitBreaker = CircuitBreaker::default;

fn day(text: &str) -> Ds {
    text.parse().unwrap()
}

/// A table of one column of amounts around `amount`, with rows by the day's number from 2025-01-01.
fn table(days: i32, rows: impl Fn(i32, Ds) -> u64, amount: impl Fn(i32) -> f64) -> TableDays {
    let since = day("2025-01-01");
    let days = (0..days).filter_map(|number| {
        let ds = since.plus_days(number);
        let rows = rows(number, ds);
        let log = (amount(number).ln_1p() * 1e6) as i64;
        let amounts = vec![Amount { values: rows, log_sum: log * i64::try_from(rows).unwrap() }];
        (rows > 0).then_some(DayRows { ds, rows, on_time: rows - rows / 50, amounts })
    });
    let days: Vec<DayRows> = days.collect();
    let newest = days.last().map(|day| day.ds);
    TableDays { table: "retailer.orders".into(), since, newest, columns: vec!["net_amount".into()], days }
}

/// Weekly rhythm: quiet on Sundays.
fn weekly(_: i32, ds: Ds) -> u64 {
    if ds.0.weekday().to_monday_zero_offset() == 6 { 300 } else { 1000 }
}

fn strains(ds: Ds, table: &TableDays, volume: &Volume) -> BTreeMap<Check, Measure> {
    let (_, measures) = judge_table(ds, table, volume, &LIMITS());
    measures.into_iter().map(|measure| (measure.check, measure)).collect()
}

fn findings(ds: Ds, table: &TableDays) -> Vec<Check> {
    strains(ds, table, &Volume::default()).into_values().filter(Measure::is_finding).map(|found| found.check).collect()
}

/// 2025-04-15, a Tuesday, after 104 days.
fn run_day() -> Ds {
    day("2025-04-15")
}

#[test]
fn a_steady_table_has_no_finding_and_its_figures_are_kept() {
    let table = table(104, weekly, |_| 50.0);
    let (figures, measures) = judge_table(run_day(), &table, &Volume::default(), &LIMITS());
    assert!(measures.iter().all(|measure| !measure.is_finding()), "{measures:?}");
    assert_eq!((figures.rows, figures.usual_rows), (980, Some(980.0)));
    assert_eq!(figures.newest, Some(day("2025-04-14")));
}

#[test]
fn a_lost_day_is_found_and_named_with_both_figures() {
    let without_newest = table(103, weekly, |_| 50.0);
    assert_eq!(findings(run_day(), &without_newest), [Check::RowsOfDay]);
    let found = &strains(run_day(), &without_newest, &Volume::default())[&Check::RowsOfDay];
    assert_eq!(
        found.to_string(),
        "source:retailer.orders: 0 rows of 2025-04-14 known by its end, where about 980 are usual"
    );
    assert_eq!((found.figure, found.usual), (0.0, 980.0));
    // A Sunday has few: none is a loss all the same.
    assert_eq!(findings(day("2025-04-14"), &table(102, weekly, |_| 50.0)), [Check::RowsOfDay]);
    // A day that was lost some days ago, before anybody ran.
    let without_friday = table(104, |number, ds| if number == 100 { 0 } else { weekly(number, ds) }, |_| 50.0);
    assert_eq!(findings(run_day(), &without_friday), [Check::RowsOfDay]);
}

#[test]
fn every_lost_day_is_a_finding_of_its_own() {
    let lost = |number: i32, ds: Ds| if [100, 103].contains(&number) { 0 } else { weekly(number, ds) };
    let (_, measures) = judge_table(run_day(), &table(104, lost, |_| 50.0), &Volume::default(), &LIMITS());
    let found = measures.iter().filter(|measure| measure.check == Check::RowsOfDay && measure.is_finding());
    let days: std::collections::BTreeSet<&str> = found.map(|measure| &*measure.of).collect();
    assert_eq!(days, ["2025-04-11", "2025-04-14"].into());
}

#[test]
fn half_of_the_rows_lost_on_a_day_or_spread_over_a_week_is_found() {
    let half = table(104, |number, ds| weekly(number, ds) / if number == 103 { 2 } else { 1 }, |_| 50.0);
    assert_eq!(findings(run_day(), &half), [Check::RowsOfDay]);
    // Too few a day to tell by one of them.
    let small = |lost: i32| table(104, move |number, _| if number >= lost { 9 } else { 30 }, |_| 50.0);
    assert_eq!(findings(run_day(), &small(104)), []);
    assert_eq!(findings(run_day(), &small(97)), [Check::RowsOfWeek]);
}

#[test]
fn a_day_without_rows_is_found_where_none_of_the_past_had_fewer_than_a_handful() {
    // Rows that come in clumps: by their spread alone the lost day is within chance.
    let clumped = |least: u64| {
        let rows = move |number: i32, _| if number == 103 { 0 } else { least + [0, 30, 5, 40, 2][number as usize % 5] };
        table(104, rows, |_| 50.0)
    };
    assert_eq!(findings(run_day(), &clumped(5)), [Check::RowsOfDay]);
    assert_eq!(findings(run_day(), &clumped(1)), []);
}

#[test]
fn a_season_that_ended_in_a_week_of_rest_is_no_loss() {
    // A rush until the week of rest, half of its rows after it.
    let rush = |number: i32, ds: Ds| match number {
        0..=89 => weekly(number, ds),
        90..=96 => 0,
        _ => weekly(number, ds) * 9 / 20,
    };
    let rested = table(104, rush, |_| 50.0);
    let rest = (90..=96).map(|number| day("2025-01-01").plus_days(number)).collect();
    let volume = Volume { holidays: rest, ..Volume::default() };
    assert!(!strains(run_day(), &rested, &volume).contains_key(&Check::RowsOfWeek));
    // Without a rest between them half of the rows is a loss.
    let halved = |number: i32, ds: Ds| if number > 96 { weekly(number, ds) * 9 / 20 } else { weekly(number, ds) };
    assert!(findings(run_day(), &table(104, halved, |_| 50.0)).contains(&Check::RowsOfWeek));
}

#[test]
fn ten_times_the_rows_is_found_and_the_burst_of_a_campaign_is_usual() {
    let of_newest =
        |rows: u64| table(104, move |number, ds| if number == 103 { rows } else { weekly(number, ds) }, |_| 50.0);
    assert_eq!(findings(run_day(), &of_newest(3_000)), []);
    assert_eq!(findings(run_day(), &of_newest(11_000)), [Check::RowsOfDay]);
    let campaigns = table(104, |number, _| if number % 28 == 19 { 5_000 } else { 2 }, |_| 50.0);
    assert_eq!(findings(run_day(), &campaigns), []);
}

#[test]
fn months_that_vanished_are_a_silence_in_large_tables_and_in_rare_ones() {
    let vanished = table(40, weekly, |_| 50.0);
    assert!(findings(run_day(), &vanished).contains(&Check::Silence));
    // Of a large table no day was looked at that has a row.
    let large = TableDays { since: day("2025-02-10"), days: Vec::new(), ..vanished };
    let found = &strains(run_day(), &large, &Volume::default())[&Check::Silence];
    assert!(found.is_finding() && found.message.contains("64 days without a row since 2025-02-09"), "{found}");
    // A row a month: two months of silence are not yet thrice the longest, three and a half are.
    let monthly = table(365, |number, _| u64::from(number % 30 == 0 && number < 300), |_| 50.0);
    assert_eq!(findings(day("2025-11-20"), &monthly), []);
    assert_eq!(findings(day("2026-01-20"), &monthly), [Check::Silence]);
}

#[test]
fn money_times_a_hundred_on_a_day_is_found_and_a_large_order_is_not() {
    let times_100 = table(104, weekly, |number| if number == 103 { 5_000.0 } else { 50.0 });
    assert_eq!(findings(run_day(), &times_100), [Check::Amount]);
    let found = &strains(run_day(), &times_100, &Volume::default())[&Check::Amount];
    assert_eq!(found.of, "net_amount");
    assert_eq!(
        found.message,
        "a typical `net_amount` of 2025-04-14 is 5000, where 50 is usual".replace("50 is", "50.00 is")
    );
    let mut large_order = table(104, weekly, |_| 50.0);
    let amount = &mut large_order.days.last_mut().unwrap().amounts[0];
    amount.log_sum += (1e6 * (1e9f64).ln_1p()) as i64;
    assert_eq!(findings(run_day(), &large_order), []);
}

#[test]
fn an_outage_among_the_past_weeks_moves_nothing_and_ends_without_a_word() {
    let outage = |number: i32, ds: Ds| if (80..95).contains(&number) { 0 } else { weekly(number, ds) };
    for run in 103..110 {
        let ds = day("2025-01-01").plus_days(run);
        assert_eq!(findings(ds, &table(run, outage, |_| 50.0)), [], "{ds}");
    }
}

#[test]
fn a_declared_holiday_is_not_judged_and_says_nothing() {
    let closed = day("2025-04-14");
    let shut = table(103, weekly, |_| 50.0);
    let volume = Volume { holidays: vec![closed], rows_per_day_at_least: Some(5), ..Volume::default() };
    assert!(strains(run_day(), &shut, &volume).into_values().all(|measure| !measure.is_finding()));
    // Nor does the first day after it look lost.
    let after = table(105, |number, ds| if number == 103 { 0 } else { weekly(number, ds) }, |_| 50.0);
    assert!(strains(day("2025-04-16"), &after, &volume).into_values().all(|measure| !measure.is_finding()));
}

#[test]
fn a_week_of_declared_holidays_is_one_of_rest() {
    let closed: Vec<Ds> = (0..5).map(|back| day("2025-04-14").plus_days(-back)).collect();
    let shut = table(97, weekly, |_| 50.0);
    let volume = Volume { holidays: closed.clone(), ..Volume::default() };
    assert!(shut.rested_before(day("2025-04-15"), &volume));
    assert!(!shut.rested_before(day("2025-04-14"), &volume), "a week earlier there were rows");
    assert!(!shut.rested_before(day("2025-04-15"), &Volume::default()), "an outage");
    assert!(!table(98, weekly, |_| 50.0).rested_before(day("2025-04-15"), &volume), "a day of it has rows");
}

#[test]
fn what_is_declared_holds_where_nothing_is_learnt() {
    let volume = Volume { learnt: false, rows_per_day_at_least: Some(1_000), ..Volume::default() };
    let measures = strains(run_day(), &table(104, weekly, |_| 50.0), &volume);
    assert_eq!(measures.keys().copied().collect::<Vec<_>>(), [Check::RowsDeclared]);
    let found = &measures[&Check::RowsDeclared];
    assert!(found.is_finding(), "980 of 1,000: {found}");
    let volume = Volume { rows_per_day_at_least: Some(980), ..volume };
    assert!(!strains(run_day(), &table(104, weekly, |_| 50.0), &volume)[&Check::RowsDeclared].is_finding());
}

#[test]
fn a_young_table_is_not_judged_by_two_weeks() {
    let young = table(104, |number, ds| if number < 92 { 0 } else { weekly(number, ds) }, |_| 50.0);
    let measures = strains(run_day(), &young, &Volume::default());
    assert!(!measures.contains_key(&Check::RowsOfDay) && !measures.contains_key(&Check::RowsOfWeek), "{measures:?}");
}

#[test]
fn history_that_shrank_is_found() {
    let judged = |rows, forbids| judge_history("a.b", rows, (1_000, day("2025-04-14")), forbids, &LIMITS());
    assert!(!judged(980, false).is_finding() && !judged(2_000, false).is_finding());
    assert!(judged(979, false).is_finding());
    assert!(!judge_history("a.b", 0, (0, day("2025-04-14")), false, &LIMITS()).is_finding());
    // Of what forbids a contact every row counts.
    assert!(!judged(1_000, true).is_finding() && !judged(1_001, true).is_finding());
    assert_eq!(
        judged(999, true).to_string(),
        "source:a.b: its files hold 999 rows in all, and held 1000 for 2025-04-14; a consent, contact or case that is gone forbids nothing \
         any more"
    );
    assert!(judged(999, true).is_finding());
}

#[test]
fn rows_of_files_that_are_set_aside_are_lost() {
    let judged = |lost| judge_set_aside("a.b", 900, (lost, 2), &LIMITS());
    assert!(!judged(0).is_finding() && !judged(18).is_finding());
    let found = judged(101);
    assert!(found.is_finding());
    assert_eq!(
        found.to_string(),
        "source:a.b: 2 bad files are set aside (`bad_files: quarantine`), and with them about 101 of 1001 rows"
    );
}

/// A draw from a Poisson distribution by its normal approximation, which is what counts of a day look like.
fn noisy(mean: f64, normal: f64) -> u64 {
    (mean + mean.sqrt() * normal).round().max(0.0) as u64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Growth, a yearly season, weekdays, and noise of up to three times chance.
    #[test]
    fn no_seasonal_series_stops_and_no_lost_day_passes(
        level in 60.0..5_000.0f64,
        growth in -0.001..0.002f64,
        season in 0.0..0.3f64,
        weekend in 0.4..1.2f64,
        normals in prop::collection::vec(-2.5..2.5f64, 420),
    ) {
        let rows = |number: i32, ds: Ds| {
            let yearly = 1.0 + season * (f64::from(number) / 365.0 * std::f64::consts::TAU).sin();
            let weekly = if ds.0.weekday().to_monday_zero_offset() >= 5 { weekend } else { 1.0 };
            noisy(level * yearly * weekly * (1.0 + growth).powi(number), normals[number as usize % 420])
        };
        for run in (120..400).step_by(7) {
            let ds = day("2025-01-01").plus_days(run);
            let whole = table(run, rows, |_| 50.0);
            prop_assert_eq!(findings(ds, &whole), [], "{}", ds);
            let lost = table(run - 1, rows, |_| 50.0);
            prop_assert_eq!(findings(ds, &lost), [Check::RowsOfDay], "{}", ds);
        }
    }

    #[test]
    fn all_figures_can_be_written(rows in prop::collection::vec(0u64..50, 0..120), amount in 0.0..1e300f64) {
        let table = table(i32::try_from(rows.len()).unwrap(), |number, _| rows[number as usize], |_| amount);
        for measure in judge_table(run_day(), &table, &Volume::default(), &LIMITS()).1 {
            prop_assert!(measure.figure.is_finite() && measure.usual.is_finite() && measure.strain.is_finite(), "{:?}", measure);
        }
    }
}
