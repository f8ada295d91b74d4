//! From which day on the orders of a project make a history.
//!
//! A day with an order says little by itself: one date of 1900, or a few that were typed wrong, would make any history long enough.
//! A history begins on the first day from which on orders come regularly, and after any year without one.

use anyhow::{Result, bail};
use arrow::array::AsArray;
use arrow::datatypes::{DataType, Int64Type, TimeUnit};
use datafusion::prelude::{cast, col, lit};
use jiff::Timestamp;
use mainstay_run::Run;
use mainstay_schema::Ds;

use crate::inputs::sources::PinnedDay;
use crate::sql_work;

/// Days from a day on that are looked at together.
const WINDOW_DAYS: i32 = 60;
/// So many of the newest days say how many days with orders such a window usually has.
const USUAL_OVER_DAYS: i32 = 365;
/// A window is regular with this part of what is usual, so that a shop that grows has a history.
const USUAL_PART: usize = 4;
/// One day with orders is none.
const LEAST_DAYS: usize = 2;
/// What lies before so many days without an order is no part of the history.
const LONGEST_BREAK_DAYS: i32 = 365;

/// What says when there were orders.
const ORDERS: &str = "stg_orders";
/// A quarter of an hour, which divides the offsets of time zones since the seventies: their days begin with one.
const QUARTER_MICROSECONDS: i64 = 15 * 60 * 1_000_000;

/// When orders came first, and since when they come regularly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct History {
    /// The day of the first order of all.
    pub(crate) first_order: Ds,
    /// The first day from which on they come regularly.
    pub(crate) regular_from: Ds,
}

impl History {
    /// That of the orders that the run may see.
    pub(crate) async fn of(run: &Run<'_>, day: &PinnedDay) -> Result<Self> {
        let over = (&[ORDERS][..], &[run.moment()][..]);
        let days = sql_work::compute(run, day, over, days_with_orders(run, day)).await?;
        let Some(history) = Self::of_days(&days) else {
            bail!("there is no order before {}: nothing can be learnt", run.ds);
        };
        Ok(history)
    }

    /// That of days with orders, ascending and each once; `None` without any.
    fn of_days(days: &[Ds]) -> Option<Self> {
        let first_order = *days.first()?;
        let after_breaks = days.windows(2).rposition(|pair| pair[1].days_since(pair[0]) > LONGEST_BREAK_DAYS);
        let days = days.get(after_breaks.map_or(0, |before| before + 1)..)?;
        let with_orders = days_in_windows(days);
        let enough = usual(days, &with_orders).div_ceil(USUAL_PART).max(LEAST_DAYS);
        let regular = with_orders.iter().position(|found| *found >= enough).unwrap_or(0);
        Some(Self { first_order, regular_from: *days.get(regular)? })
    }

    /// What to know of orders that are no part of the history; `None` where there are none.
    pub(crate) fn stray(&self) -> Option<String> {
        let Self { first_order, regular_from } = self;
        (first_order < regular_from).then(|| {
            format!(
                "orders come regularly from {regular_from} on: what lies before, from {first_order} on, does not count as history"
            )
        })
    }
}

/// How many of the days lie in the window that begins with each.
fn days_in_windows(days: &[Ds]) -> Vec<usize> {
    let ends = |begin: &Ds| days.partition_point(|day| day.days_since(*begin) < WINDOW_DAYS);
    days.iter().enumerate().map(|(position, begin)| ends(begin) - position).collect()
}

/// The median of the windows that lie in the newest days; 0 where none is complete.
fn usual(days: &[Ds], with_orders: &[usize]) -> usize {
    let Some(newest) = days.last() else { return 0 };
    let is_usual = |begin: &Ds| (WINDOW_DAYS - 1..USUAL_OVER_DAYS).contains(&newest.days_since(*begin));
    let mut usual: Vec<usize> =
        days.iter().zip(with_orders).filter(|(begin, _)| is_usual(begin)).map(|(_, found)| *found).collect();
    usual.sort_unstable();
    usual.get(usual.len() / 2).copied().unwrap_or(0)
}

/// The days with orders that the run may see, ascending.
async fn days_with_orders(run: &Run<'_>, day: &PinnedDay) -> Result<Vec<Ds>> {
    let orders = day.model(&run.open.session, ORDERS, &run.moment()).await?;
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let microseconds = cast(cast(col("ordered_at"), utc), DataType::Int64);
    let quarters = orders.select(vec![(microseconds / lit(QUARTER_MICROSECONDS)).alias("quarter")])?.distinct()?;
    let time_zone = run.open.project.time_zone();
    let mut days = Vec::new();
    for batch in quarters.collect().await? {
        for quarter in batch.column(0).as_primitive::<Int64Type>().iter().flatten() {
            let instant = Timestamp::from_microsecond(quarter.saturating_mul(QUARTER_MICROSECONDS))?;
            days.push(Ds::of(instant, &time_zone));
        }
    }
    days.sort_unstable();
    days.dedup();
    Ok(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ds(text: &str) -> Ds {
        text.parse().unwrap()
    }

    /// Every `step`th day from one on, so many of them.
    fn days(from: &str, step: i32, count: i32) -> Vec<Ds> {
        (0..count).map(|position| ds(from).plus_days(position * step)).collect()
    }

    fn regular_from(strays: &[&str], shop: Vec<Ds>) -> String {
        let mut days: Vec<Ds> = strays.iter().map(|day| ds(day)).chain(shop).collect();
        days.sort_unstable();
        days.dedup();
        let history = History::of_days(&days).unwrap();
        assert_eq!(history.first_order, days[0]);
        history.regular_from.to_string()
    }

    #[test]
    fn a_shop_that_sells_every_day_begins_with_its_first_order() {
        assert_eq!(regular_from(&[], days("2024-01-01", 1, 714)), "2024-01-01");
        let stray = History::of_days(&days("2024-01-01", 1, 714)).unwrap().stray();
        assert_eq!(stray, None);
    }

    #[test]
    fn one_order_of_1900_makes_no_history() {
        assert_eq!(regular_from(&["1900-01-01"], days("2024-01-01", 1, 714)), "2024-01-01");
        let history = History::of_days(&[vec![ds("1900-01-01")], days("2024-01-01", 1, 700)].concat()).unwrap();
        let expected =
            "orders come regularly from 2024-01-01 on: what lies before, from 1900-01-01 on, does not count as history";
        assert_eq!(history.stray().unwrap(), expected);
    }

    #[test]
    fn dates_that_were_typed_wrong_make_none_either() {
        let typed = ["1970-01-01", "2002-02-20", "2022-03-01", "2022-09-15", "2023-01-31", "2023-06-06", "2023-10-20"];
        assert_eq!(regular_from(&typed, days("2024-01-01", 1, 714)), "2024-01-01");
    }

    #[test]
    fn a_month_of_trials_long_ago_is_no_history() {
        let trials: Vec<String> = days("2020-05-01", 1, 30).iter().map(Ds::to_string).collect();
        let trials: Vec<&str> = trials.iter().map(String::as_str).collect();
        assert_eq!(regular_from(&trials, days("2024-01-01", 1, 714)), "2024-01-01");
    }

    #[test]
    fn a_shop_that_sells_rarely_has_a_history() {
        assert_eq!(regular_from(&[], days("2024-01-01", 20, 40)), "2024-01-01");
        assert_eq!(regular_from(&["1900-01-01"], days("2024-01-01", 20, 40)), "2024-01-01");
        assert_eq!(regular_from(&[], days("2024-01-01", 90, 8)), "2024-01-01", "nothing says what is regular");
        assert_eq!(regular_from(&[], days("2024-01-01", 1, 20)), "2024-01-01", "a shop of few weeks");
    }

    #[test]
    fn a_shop_that_grows_or_closes_for_a_season_keeps_its_history() {
        let mut growing = days("2023-01-01", 4, 60);
        growing.extend(days("2023-09-01", 1, 700));
        assert_eq!(regular_from(&[], growing), "2023-01-01");
        let mut closed = days("2022-01-01", 1, 200);
        closed.extend(days("2023-01-15", 1, 700));
        assert_eq!(regular_from(&[], closed), "2022-01-01");
    }

    #[test]
    fn without_orders_there_is_none() {
        assert_eq!(History::of_days(&[]), None);
    }
}
