//! Treated customers and spend against the days before: the last net, as what goes wrong upstream ends here.

use mainstay_config::CircuitBreaker;

use crate::figures::{Before, Plan};
use crate::measure::{Check, DEVIATIONS, Measure, bounded, strain_of_multiple};

/// Days, at least, that say what is usual: the first day of all may treat hundreds, and the second six.
const LEAST_DAYS: usize = 7;

/// Judges a plan against the most that any of the days before has treated and spent, under whatever policy: one that was changed by a slip of
/// the pen spends as well.
pub fn judge_plan(day: &Plan, before: &[&Before], limits: &CircuitBreaker) -> Vec<Measure> {
    let plans: Vec<&Plan> = before.iter().filter_map(|other| other.plan.as_ref()).collect();
    if plans.len() < LEAST_DAYS {
        return Vec::new();
    }
    let days = plans.len();
    let most_treated = plans.iter().map(|plan| plan.treated).max().unwrap_or_default();
    let most_spent = plans.iter().map(|plan| plan.spent).max().unwrap_or_default();
    let treated = Measure {
        name: "treated".to_owned(),
        check: Check::Treated,
        of: String::new(),
        figure: day.treated as f64,
        usual: most_treated as f64,
        strain: above(day.treated as f64, most_treated as f64, limits.treated_multiple_at_most),
        message: format!(
            "{} customers would be treated, {most_treated} were the most on the {days} days before",
            day.treated
        ),
    };
    let (spent, most) = (day.spent.0 as f64 / 100.0, most_spent.0 as f64 / 100.0);
    // What one customer more costs is little, be it beside nothing.
    let one = if day.treated == 0 { 0.0 } else { spent / day.treated as f64 };
    let spend = Measure {
        name: "spend".to_owned(),
        check: Check::Spend,
        of: String::new(),
        figure: spent,
        usual: most,
        strain: above(spent / one, most / one, limits.spend_multiple_at_most),
        message: format!("{} would be spent, {most_spent} was the most on the {days} days before", day.spent),
    };
    vec![treated, spend]
}

/// How far a count lies above another: 0 where it does not.
fn above(figure: f64, usual: f64, multiple: f64) -> f64 {
    if figure.is_nan() || figure <= usual {
        return 0.0;
    }
    let deviations = (figure - usual) / usual.max(1.0).sqrt() / DEVIATIONS;
    bounded(strain_of_multiple(figure, usual.max(1.0), multiple).min(deviations))
}

#[cfg(test)]
mod tests {
    use mainstay_schema::Cents;

    use super::*;
    use crate::tests::before;

    fn found(treated: u64, spent: i64, earlier: &[(u64, i64)]) -> Vec<String> {
        let earlier: Vec<Before> = earlier
            .iter()
            .map(|(treated, spent)| Before {
                plan: Some(Plan { treated: *treated, spent: Cents(*spent) }),
                ..before("2025-04-14", 2_500, 2_000)
            })
            .collect();
        let earlier: Vec<&Before> = earlier.iter().collect();
        let plan = Plan { treated, spent: Cents(spent) };
        let limits = CircuitBreaker::default();
        let measures = judge_plan(&plan, &earlier, &limits);
        measures.into_iter().filter(Measure::is_finding).map(|found| found.message).collect()
    }

    /// The first day treats all who have waited, those that follow whoever came back.
    fn usual() -> Vec<(u64, i64)> {
        let mut days = vec![(6, 9_000); 10];
        days[0] = (496, 760_550);
        days
    }

    #[test]
    fn more_than_thrice_the_most_is_found() {
        assert!(found(496, 760_550, &usual()).is_empty(), "the cooldown of all is over on one day");
        assert!(found(940, 2_277_650, &usual()).is_empty(), "1.9 and 2.99 times the most");
        assert_eq!(
            found(3_378, 5_000_000, &usual()),
            [
                "3378 customers would be treated, 496 were the most on the 10 days before",
                "50,000.00 would be spent, 7,605.50 was the most on the 10 days before"
            ]
        );
        assert!(found(0, 0, &usual()).is_empty());
    }

    #[test]
    fn a_week_says_nothing_yet_nor_do_days_of_nobody_forbid_a_few() {
        assert!(found(3_378, 5_000_000, &usual()[..6]).is_empty());
        assert!(found(5, 5_000, &[(0, 0); 10]).is_empty());
        assert_eq!(found(300, 300_000, &[(0, 0); 10]).len(), 2);
    }

    #[test]
    fn days_on_which_no_model_was_approved_say_nothing() {
        let not_approved = Before { plan: None, ..before("2025-04-14", 2_500, 2_000) };
        let plan = Plan { treated: 3_378, spent: Cents(5_000_000) };
        assert!(judge_plan(&plan, &[&not_approved; 20], &CircuitBreaker::default()).is_empty());
    }
}
