//! Rows that break their contract: how many of what came since the last published day, against the days before.

use mainstay_config::CircuitBreaker;
use mainstay_schema::Ds;

use crate::figures::{Before, RefusedFigures};
use crate::measure::{Check, DEVIATIONS, Measure, bounded};
use crate::source::TableDays;

/// The rows of a table that are refused on a day and were not on the last published one, beside all that came since.
///
/// What came is counted by the days on which it happened; of a table without an event time, or with nothing newer, by the rows of its
/// files.
pub fn refused_since(
    (before, refused_before, rows_before): (Ds, u64, u64),
    ds: Ds,
    days: Option<&TableDays>,
    (table, refused, rows): (&str, u64, u64),
) -> RefusedFigures {
    let by_event = days.map_or(0, |days| {
        let came = days.days.iter().filter(|day| day.ds >= before && day.ds < ds);
        came.map(|day| day.rows).sum()
    });
    let rows = if by_event > 0 { by_event } else { rows.saturating_sub(rows_before) };
    RefusedFigures { table: table.to_owned(), rows, refused: refused.saturating_sub(refused_before) }
}

/// Judges the share of what came that is refused against the highest of the days before. `None` where no day before says it, or where
/// nothing is refused anew.
pub fn judge_refused(day: &RefusedFigures, before: &[&Before], limits: &CircuitBreaker) -> Option<Measure> {
    let of_table = |other: &&Before| {
        let refused = &other.figures.as_ref()?.refused;
        Some(refused.as_ref()?.iter().find(|other| other.table == day.table).map_or(0.0, share))
    };
    let usual = before.iter().filter_map(of_table).max_by(f64::total_cmp)?;
    if day.refused == 0 {
        return None;
    }
    let (figure, rows) = (share(day), day.rows.max(1) as f64);
    let deviation = (usual * rows).max(1.0).sqrt();
    let strain = ((figure - usual) / limits.quarantine_rise_at_most)
        .min((day.refused as f64 - usual * rows) / deviation / DEVIATIONS);
    Some(Measure {
        name: format!("source:{}", day.table),
        check: Check::Refused,
        of: String::new(),
        figure,
        usual,
        strain: bounded(strain),
        message: format!(
            "{} rows break their contract since the last published day, beside {} that came, where {} were the most in a hundred (the \
             table quarantine says why)",
            day.refused,
            day.rows,
            shown_percent(usual)
        ),
    })
}

fn share(figures: &RefusedFigures) -> f64 {
    figures.refused as f64 / figures.rows.max(1) as f64
}

fn shown_percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent.fract() == 0.0 { format!("{percent:.0}") } else { format!("{percent:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::DayRows;
    use crate::tests::before;

    fn figures(rows: u64, refused: u64) -> RefusedFigures {
        RefusedFigures { table: "retailer.order_lines".to_owned(), rows, refused }
    }

    fn of(rows: u64, refused: u64) -> Before {
        let mut before = before("2025-04-14", 2_500, 2_000);
        before.figures.as_mut().unwrap().refused = Some(vec![figures(rows, refused)]);
        before
    }

    fn found(rows: u64, refused: u64, earlier: &[Before]) -> Option<String> {
        let earlier: Vec<&Before> = earlier.iter().collect();
        let measure = judge_refused(&figures(rows, refused), &earlier, &CircuitBreaker::default());
        measure.filter(Measure::is_finding).map(|found| found.message)
    }

    #[test]
    fn lines_whose_orders_did_not_come_are_found_in_a_small_shop() {
        assert_eq!(
            found(104, 52, &[of(100, 0), of(100, 1)]).unwrap(),
            "52 rows break their contract since the last published day, beside 104 that came, where 1 were the most in a hundred (the \
             table quarantine says why)"
        );
        assert_eq!(found(104, 3, &[of(100, 0)]), None, "a few");
        assert_eq!(found(10_000, 600, &[of(10_000, 0)]), None, "below a tenth");
    }

    #[test]
    fn what_is_usual_of_a_source_is_no_finding() {
        assert_eq!(found(1_000, 260, &[of(1_000, 240)]), None);
        assert!(found(1_000, 600, &[of(1_000, 240)]).is_some());
    }

    #[test]
    fn rows_of_long_ago_that_are_refused_now_are_found() {
        assert!(found(100, 40_000, &[of(100, 0)]).is_some());
        assert!(found(0, 12, &[of(100, 0)]).is_some(), "nothing came, and rows are refused");
    }

    #[test]
    fn a_first_day_and_days_of_an_earlier_release_say_nothing() {
        assert_eq!(found(104, 52, &[]), None);
        assert_eq!(found(104, 52, &[before("2025-04-14", 2_500, 2_000)]), None);
    }

    #[test]
    fn what_came_is_counted_by_event_or_by_files() {
        let day = |ds: &str, rows| DayRows { ds: ds.parse().unwrap(), rows, on_time: rows, amounts: Vec::new() };
        let days = TableDays {
            table: "retailer.order_lines".to_owned(),
            since: "2025-01-01".parse().unwrap(),
            newest: None,
            columns: Vec::new(),
            days: vec![day("2025-04-13", 70), day("2025-04-14", 80), day("2025-04-15", 90), day("2025-04-16", 95)],
        };
        let before = ("2025-04-14".parse().unwrap(), 5, 1_000);
        let now = ("retailer.order_lines", 25, 1_040);
        let ds = "2025-04-16".parse().unwrap();
        assert_eq!(refused_since(before, ds, Some(&days), now), figures(170, 20));
        assert_eq!(refused_since(before, ds, None, now), figures(40, 20));
        assert_eq!(refused_since((before.0, 30, 1_000), ds, None, now), figures(40, 0));
    }
}
