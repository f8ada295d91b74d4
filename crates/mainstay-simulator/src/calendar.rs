//! What a day does to everybody: the week, the year, promotions and the economy.

use mainstay_schema::Ds;

use crate::random::{Draws, Stream};

/// Microseconds of a second.
pub(crate) const SECOND: i64 = 1_000_000;
/// Seconds of a day.
pub(crate) const DAY_SECONDS: i64 = 86_400;

/// Demand from Monday to Sunday, mean 1.
const WEEK: [f64; 7] = [0.92, 0.90, 0.92, 0.96, 1.06, 1.16, 1.08];

/// One day as all customers meet it.
#[derive(Debug, Clone)]
pub(crate) struct CalendarDay {
    /// Days since the first day with data; negative in the warm-up.
    pub(crate) number: i32,
    /// The day itself.
    pub(crate) ds: Ds,
    /// Day of the year, from 1.
    pub(crate) day_of_year: i32,
    /// Factor of everybody's appetite, around 1.
    pub(crate) demand: f64,
    /// Factor of the economy in it, around 1.
    pub(crate) economy: f64,
    /// Factor of prices, 1 on the first day.
    pub(crate) price_level: f64,
    /// Whether discounts are advertised.
    pub(crate) is_promotion: bool,
    /// Its midnight, in microseconds since 1970 UTC.
    pub(crate) midnight: i64,
}

impl CalendarDay {
    /// The day `number` days after `start`.
    pub(crate) fn new(seed: u64, start: Ds, number: i32) -> Self {
        let ds = start.plus_days(number);
        let days_since_1970 = ds.days_since(EPOCH);
        let day_of_year = i32::from(ds.0.day_of_year());
        // 1970-01-01 was a Thursday.
        let weekday = (days_since_1970 + 3).rem_euclid(7);
        let week_demand = WEEK.get(weekday as usize).copied().unwrap_or(1.0);
        Self {
            number,
            ds,
            day_of_year,
            demand: week_demand * year_demand(day_of_year) * economy(number),
            economy: economy(number),
            price_level: 1.0 + 0.03 * f64::from(number) / 365.25,
            is_promotion: is_promotion(seed, number.div_euclid(7), day_of_year),
            midnight: i64::from(days_since_1970) * DAY_SECONDS * SECOND,
        }
    }
}

/// The day that instants count from.
pub(crate) const EPOCH: Ds = Ds(jiff::civil::date(1970, 1, 1));

/// A gentle wave with its top in January, Christmas shopping around 10 December, a dip after it.
fn year_demand(day_of_year: i32) -> f64 {
    let day = f64::from(day_of_year);
    let wave = 0.05 * libm::cos(std::f64::consts::TAU * (day - 330.0) / 365.25);
    1.0 + wave + 0.45 * bump(day - 344.0, 12.0) - 0.20 * bump(day - 15.0, 10.0)
}

/// A bell of height 1.
fn bump(distance: f64, width: f64) -> f64 {
    libm::exp(-0.5 * (distance / width) * (distance / width))
}

/// A slow cycle of five per cent.
fn economy(number: i32) -> f64 {
    1.0 + 0.05 * libm::sin(std::f64::consts::TAU * f64::from(number) / 1_000.0)
}

/// A week in four has a promotion, and so has the end of November.
fn is_promotion(seed: u64, week: i32, day_of_year: i32) -> bool {
    (325..=333).contains(&day_of_year) || Draws::new(seed, Stream::Promotion, 0, week).chance(0.25)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(ds: &str) -> CalendarDay {
        let start: Ds = "2024-01-01".parse().unwrap();
        CalendarDay::new(1, start, ds.parse::<Ds>().unwrap().days_since(start))
    }

    #[test]
    fn weeks_and_christmas_move_demand() {
        assert!(day("2024-06-08").demand > 1.1 * day("2024-06-04").demand, "Saturday over Tuesday");
        assert!(day("2024-12-10").demand > 1.3 * day("2024-06-04").demand, "Christmas over June");
        assert!(day("2025-01-14").demand < 0.9 * day("2025-03-04").demand, "the dip after it");
    }

    #[test]
    fn midnight_is_utc() {
        assert_eq!(day("2024-02-29").midnight, 1_709_164_800 * SECOND);
        assert_eq!(day("2023-12-31").number, -1);
    }

    #[test]
    fn some_weeks_have_a_promotion() {
        let start: Ds = "2024-01-01".parse().unwrap();
        let promotions = (0..730).filter(|&number| CalendarDay::new(1, start, number).is_promotion).count();
        assert!((100..300).contains(&promotions), "{promotions}");
        assert!(day("2024-11-25").is_promotion);
    }
}
