//! Economic indicators by month, as offices publish and revise them.

use mainstay_schema::Ds;

use crate::calendar::{CalendarDay, DAY_SECONDS, EPOCH, SECOND};
use crate::random::{Draws, Stream};
use crate::settings::SimulatorSettings;

/// A figure for a month, as it was published.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Indicator {
    /// What was measured.
    pub(crate) name: &'static str,
    /// First day of the month.
    pub(crate) period: Ds,
    /// In microseconds since 1970 UTC.
    pub(crate) published_at: i64,
    /// In the unit of the indicator.
    pub(crate) value: f64,
}

/// Name, value in ordinary times, what a better economy by one per cent adds, spread by chance.
const INDICATORS: [(&str, f64, f64, f64); 3] = [
    ("consumer_confidence", 100.0, 1.5, 1.5),
    ("inflation_rate", 2.6, 0.12, 0.2),
    ("unemployment_rate", 4.4, -0.15, 0.1),
];
/// Days of a month before the first day with data, so that the year before can be compared.
const EARLIER_DAYS: i32 = 425;
/// Share of the figures that are revised about a month after they were published.
const REVISED: f64 = 0.3;

/// All figures that are published by the end of the last day, by time.
pub(crate) fn published(settings: &SimulatorSettings) -> Vec<Indicator> {
    let first = settings.start.plus_days(-EARLIER_DAYS).0.first_of_month();
    let last = settings.start.plus_days(settings.days as i32);
    let end = i64::from(last.days_since(EPOCH)) * DAY_SECONDS * SECOND;
    let months = (0..).map(|month| Ds(first.saturating_add(jiff::Span::new().months(month))));
    let mut published: Vec<Indicator> = months
        .take_while(|period| *period < last)
        .flat_map(|period| (0..).zip(INDICATORS).flat_map(move |(number, of)| figures(settings, number, of, period)))
        .filter(|figure| figure.published_at < end)
        .collect();
    published.sort_by_key(|figure| (figure.published_at, figure.name));
    published
}

/// The figure of a month, and its revision where there is one.
fn figures(
    settings: &SimulatorSettings,
    number: u32,
    (name, ordinary, per_cent, spread): (&'static str, f64, f64, f64),
    period: Ds,
) -> Vec<Indicator> {
    let day = CalendarDay::new(settings.seed, settings.start, period.days_since(settings.start));
    let mut draws = Draws::new(settings.seed, Stream::Indicator, number, day.number);
    let after_month_end = i64::from(period.days_left_in_month()) + 12 + draws.index(12) as i64;
    let at = |days: i64| day.midnight + (days * DAY_SECONDS + 10 * 3_600) * SECOND;
    let value = ordinary + per_cent * 100.0 * (day.economy - 1.0) + spread * draws.normal();
    let rounded = |value: f64| libm::round(value * 10.0) / 10.0;
    let mut figures = vec![Indicator { name, period, published_at: at(after_month_end), value: rounded(value) }];
    if draws.chance(REVISED) {
        let value = rounded(value + 0.5 * spread * draws.normal());
        let published_at = at(after_month_end + 25 + draws.index(10) as i64);
        figures.push(Indicator { name, period, published_at, value });
    }
    figures
}
