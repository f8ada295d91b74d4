//! The mean value of the scored customers against the last published days: offers are worth a share of it.

use mainstay_config::CircuitBreaker;
use mainstay_schema::Cents;

use crate::figures::{Before, ValueFigures};
use crate::measure::{Check, DEVIATIONS, Measure, bounded, strain_of_multiple};

/// Judges the mean value of a day: where it differs from that of all days before. `None` without such a day, or without customers.
pub fn judge_value(
    day: &ValueFigures,
    scored: u64,
    before: &[&Before],
    changed_variables: &[String],
    limits: &CircuitBreaker,
) -> Option<Measure> {
    if scored == 0 {
        return None;
    }
    let measures = before.iter().filter_map(|other| {
        let value = other.figures.as_ref()?.value?;
        (other.customers.scored > 0).then(|| measure(day, scored, (&value, other), changed_variables, limits))
    });
    measures.min_by(|left, right| left.strain.total_cmp(&right.strain))
}

fn measure(
    day: &ValueFigures,
    scored: u64,
    (value, other): (&ValueFigures, &Before),
    changed_variables: &[String],
    limits: &CircuitBreaker,
) -> Measure {
    let (figure, usual) = (day.mean_cents, value.mean_cents);
    // Of two means of the smaller number of customers, spread as on the day that is usual.
    let customers = scored.min(other.customers.scored) as f64;
    let deviation = value.deviation_cents * (2.0 / customers).sqrt();
    let strain = strain_of_multiple(figure, usual, limits.value_multiple_at_most)
        .min((figure - usual).abs() / deviation / DEVIATIONS);
    let causes = match changed_variables {
        [] => String::new(),
        changed => format!(" (in mainstay.yml, {})", changed.join(", ")),
    };
    Measure {
        name: "value".to_owned(),
        check: Check::Value,
        of: String::new(),
        figure: figure / 100.0,
        usual: usual / 100.0,
        strain: bounded(strain),
        message: format!(
            "a scored customer is worth {} on average, and was worth {} on {}{causes}",
            Cents(figure.round() as i64),
            Cents(usual.round() as i64),
            other.ds
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::before;

    fn found(mean_cents: f64, scored: u64, earlier: &[Before], changed: &[String]) -> Option<String> {
        let day = ValueFigures { mean_cents, deviation_cents: 2.0 * mean_cents };
        let earlier: Vec<&Before> = earlier.iter().collect();
        let measure = judge_value(&day, scored, &earlier, changed, &CircuitBreaker::default());
        measure.filter(Measure::is_finding).map(|found| found.message)
    }

    fn of(mean_cents: f64, scored: u64) -> Before {
        let mut before = before("2025-04-14", 2_500, scored);
        let value = ValueFigures { mean_cents, deviation_cents: 2.0 * mean_cents };
        before.figures.as_mut().unwrap().value = Some(value);
        before
    }

    #[test]
    fn a_value_that_jumped_is_found_with_both_figures_and_what_was_changed() {
        let earlier = [of(30_000.0, 2_000)];
        assert_eq!(found(31_000.0, 2_000, &earlier, &[]), None);
        assert_eq!(
            found(3_000_000.0, 2_000, &earlier, &[]).unwrap(),
            "a scored customer is worth 30,000.00 on average, and was worth 300.00 on 2025-04-14"
        );
        let changed = ["margin_rate is 3.0 and was 0.30".to_owned()];
        assert_eq!(
            found(300_000.0, 2_000, &earlier, &changed).unwrap(),
            "a scored customer is worth 3,000.00 on average, and was worth 300.00 on 2025-04-14 (in mainstay.yml, margin_rate is 3.0 and \
             was 0.30)"
        );
        assert!(found(15_000.0, 2_000, &earlier, &[]).is_some(), "half of the customers without any");
        assert!(found(0.0, 2_000, &earlier, &[]).is_some());
    }

    #[test]
    fn what_any_recent_day_had_is_usual() {
        assert_eq!(found(60_000.0, 2_000, &[of(30_000.0, 2_000), of(58_000.0, 2_000)], &[]), None);
    }

    #[test]
    fn a_handful_of_customers_may_double_but_not_be_worth_a_hundred_times_as_much() {
        assert_eq!(found(60_000.0, 20, &[of(30_000.0, 20)], &[]), None);
        assert!(found(3_000_000.0, 20, &[of(30_000.0, 20)], &[]).is_some());
    }

    #[test]
    fn days_without_figures_or_customers_say_nothing() {
        assert_eq!(found(3_000_000.0, 2_000, &[before("2025-04-14", 2_500, 2_000)], &[]), None);
        assert_eq!(found(3_000_000.0, 2_000, &[of(0.0, 0)], &[]), None);
        assert_eq!(found(0.0, 0, &[of(30_000.0, 2_000)], &[]), None);
    }
}
