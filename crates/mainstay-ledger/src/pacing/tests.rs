//! Single days by hand, whole months by simulation.

use proptest::prelude::*;

use super::*;

const BY_PRICE: Pacing = Pacing { rule: PacingRule::Price, largest_daily_multiple: 2.0 };

/// An offer of a day: value per cost, and cost in cents.
type Demand = (f64, i64);

fn demand_at(day: &[Demand], price: f64) -> Cents {
    day.iter().filter(|(efficiency, _)| *efficiency >= price).map(|(_, cost)| Cents(*cost)).sum()
}

fn by_efficiency(day: &[Demand]) -> Vec<Demand> {
    let mut sorted = day.to_vec();
    sorted.sort_by(|left, right| right.0.total_cmp(&left.0));
    sorted
}

/// The efficiency of the first offer that no longer fits, 0 where all fit.
fn price_for(day: &[Demand], budget: Cents) -> f64 {
    let mut left = budget.0;
    let critical = by_efficiency(day).into_iter().find(|(_, cost)| {
        left -= cost;
        left < 0
    });
    critical.map_or(0.0, |(efficiency, _)| efficiency)
}

/// Cost and value of the best offers that fit one after the other.
fn buy(day: &[Demand], allowance: Cents) -> (Cents, f64) {
    let mut bought = (Cents::ZERO, 0.0);
    for (efficiency, cost) in by_efficiency(day) {
        if bought.0.0 + cost <= allowance.0 {
            bought = (Cents(bought.0.0 + cost), bought.1 + efficiency * cost as f64);
        }
    }
    bought
}

fn allowance_of(day: &[Demand], pacing: &Pacing, available: Cents, days_left: u32, past: &[PacingDay]) -> Allowance {
    todays_allowance(pacing, available, days_left, past, |price| demand_at(day, price), |budget| price_for(day, budget))
}

struct Month {
    days: Vec<PacingDay>,
    value: f64,
}

impl Month {
    fn spent(&self) -> Cents {
        self.days.iter().map(|day| day.spent).sum()
    }
}

/// A month of days that remember their reference price, as the ledger does.
fn simulate(pacing: &Pacing, budget: Cents, demand: &[Vec<Demand>]) -> Month {
    simulate_after(vec![], pacing, budget, demand)
}

fn simulate_after(history: Vec<PacingDay>, pacing: &Pacing, budget: Cents, demand: &[Vec<Demand>]) -> Month {
    let mut month = Month { days: history, value: 0.0 };
    for (position, day) in demand.iter().enumerate() {
        let available = Cents(budget.0 - month.spent().0);
        let days_left = (demand.len() - position) as u32;
        let Allowance { allowance, reference_price } = allowance_of(day, pacing, available, days_left, &month.days);
        assert!(Cents::ZERO <= allowance && allowance <= available, "{allowance} of {available}");
        let (spent, value) = buy(day, allowance);
        let ds = "2026-01-01".parse::<Ds>().unwrap().plus_days(position as i32);
        month.days.push(PacingDay { ds, allowance, spent, price: reference_price });
        month.value += value;
    }
    month
}

fn yesterday(spent: i64, price: f64) -> Vec<PacingDay> {
    vec![PacingDay { ds: "2026-01-01".parse().unwrap(), allowance: Cents(spent), spent: Cents(spent), price }]
}

/// A hundred offers of 10 cents, with efficiencies 0.1, 0.2 ... 10.0.
fn even_demand() -> Vec<Demand> {
    (1..=100).map(|tenths| (f64::from(tenths) / 10.0, 10)).collect()
}

#[test]
fn the_first_day_takes_its_slice() {
    let today = allowance_of(&even_demand(), &BY_PRICE, Cents(3_050), 30, &[]);
    assert_eq!(today, Allowance { allowance: Cents(101), reference_price: 9.0 });
}

#[test]
fn the_price_moves_a_quarter_of_the_way_to_todays_own() {
    let price = |last| allowance_of(&even_demand(), &BY_PRICE, Cents(2_000), 10, &yesterday(200, last)).reference_price;
    assert_eq!(price(8.0), 8.0, "today's offers of at least 8.1 cost one slice of 200");
    assert_eq!(price(0.5), 1.0, "to 8.0 it is a factor of 16");
    assert_eq!(price(128.0), 64.0);
    assert_eq!((price(0.25), price(1_000.0)), (0.5, 500.0), "at most a factor of 2");
}

#[test]
fn where_nothing_sells_the_price_halves() {
    let price = |day: &[Demand]| allowance_of(day, &BY_PRICE, Cents(2_000), 10, &yesterday(0, 3.0)).reference_price;
    assert_eq!(price(&[]), 1.5);
    assert_eq!(price(&[(2.0, 100)]), 1.5, "all that there is costs less than a slice");
}

#[test]
fn today_spends_what_pays_at_the_price_within_limits() {
    let today = |price| allowance_of(&even_demand(), &BY_PRICE, Cents(2_000), 10, &yesterday(200, price));
    let rising = today(9.0);
    assert!((8.7..8.8).contains(&rising.reference_price), "{}", rising.reference_price);
    assert_eq!(rising.allowance, Cents(130), "thirteen offers are worth at least 8.8");
    assert_eq!(today(20.0).allowance, Cents(100), "no offer is worth enough: half a slice");
    assert_eq!(today(1.0).allowance, Cents(400), "two slices");
}

#[test]
fn a_price_of_0_is_forgotten() {
    for price in [0.0, f64::NAN, f64::INFINITY] {
        let today = allowance_of(&even_demand(), &BY_PRICE, Cents(2_000), 10, &yesterday(100, price));
        assert_eq!(today.reference_price, 8.0, "{price}");
        assert_eq!(today.allowance, Cents(210));
    }
}

#[test]
fn the_last_day_and_no_pacing_take_all_that_is_left() {
    let all = Allowance { allowance: Cents(500), reference_price: 5.0 };
    assert_eq!(allowance_of(&even_demand(), &BY_PRICE, Cents(500), 1, &yesterday(1, 9.0)), all);
    let unpaced = Pacing { rule: PacingRule::None, ..BY_PRICE };
    assert_eq!(allowance_of(&even_demand(), &unpaced, Cents(500), 20, &[]), all);
}

#[test]
fn nothing_left_is_nothing_to_spend() {
    for available in [Cents::ZERO, Cents(-5)] {
        let today = allowance_of(&even_demand(), &BY_PRICE, available, 10, &yesterday(100, 3.0));
        assert_eq!(today, Allowance { allowance: Cents::ZERO, reference_price: 10.0 });
    }
    let cents_for_many_days = allowance_of(&even_demand(), &BY_PRICE, Cents(9), 10, &yesterday(0, 3.0));
    assert_eq!(cents_for_many_days.allowance, Cents::ZERO);
}

#[test]
fn a_multiple_below_1_counts_as_1() {
    let pacing = Pacing { largest_daily_multiple: f64::NAN, ..BY_PRICE };
    assert_eq!(allowance_of(&even_demand(), &pacing, Cents(2_000), 10, &yesterday(200, 1.0)).allowance, Cents(200));
}

#[test]
fn the_rule_is_written_in_lower_case() {
    let read = |text: &str| serde_json::from_str::<PacingRule>(text).unwrap();
    assert_eq!((read("\"price\""), read("\"none\"")), (PacingRule::Price, PacingRule::None));
}

#[test]
fn a_price_ten_times_too_high_comes_down_and_the_budget_is_spent() {
    let budget = Cents(30 * 200);
    let month = simulate_after(yesterday(0, 80.0), &BY_PRICE, budget, &vec![even_demand(); 30]);
    let frugal = month.days.iter().filter(|day| day.spent.0 < 150).count();
    assert!((2..=12).contains(&frugal), "{frugal} days of little more than half a slice of 200");
    assert!(month.spent().0 as f64 > 0.99 * budget.0 as f64, "{}", month.spent());
}

/// Six poor days and a rich one, four times.
#[test]
fn rich_days_spend_more_and_the_month_is_worth_more_than_in_equal_slices() {
    let poor = even_demand();
    let rich: Vec<Demand> = poor.iter().map(|&(efficiency, cost)| (efficiency * 2.0, cost)).collect();
    let demand: Vec<Vec<Demand>> = (1..=28).map(|day| if day % 7 == 0 { rich.clone() } else { poor.clone() }).collect();
    let budget = Cents(28 * 200);
    let paced = simulate(&BY_PRICE, budget, &demand);
    let in_slices: f64 = demand.iter().map(|day| buy(day, Cents(200)).1).sum();
    for week in paced.days.chunks(7) {
        let (rich, poor) = week.split_last().unwrap();
        assert!(poor.iter().all(|day| day.spent < rich.spent), "{week:?}");
        assert!(poor.iter().all(|day| day.spent > Cents::ZERO), "{week:?}");
    }
    assert!(paced.spent() <= budget);
    assert!(paced.value > in_slices * 1.05, "{} of {in_slices}", paced.value);
}

/// Days that are drawn alike, with offers from a few to many; days of one customer are no market.
fn months() -> impl Strategy<Value = Vec<Vec<Demand>>> {
    let offer = (0.1f64..20.0, 50i64..1_000);
    (28usize..=31).prop_flat_map(move |days| {
        proptest::collection::vec(proptest::collection::vec(offer.clone(), 30..60), days..=days)
    })
}

fn total(demand: &[Vec<Demand>]) -> f64 {
    demand.iter().flatten().map(|(_, cost)| *cost as f64).sum()
}

proptest! {
    #[test]
    fn a_month_with_enough_demand_spends_its_budget(demand in months(), share in 0.05f64..0.95) {
        let budget = Cents((total(&demand) * share) as i64);
        let month = simulate(&BY_PRICE, budget, &demand);
        prop_assert!(month.spent() <= budget);
        prop_assert!(month.spent().0 as f64 >= 0.9 * budget.0 as f64, "{} of {budget}", month.spent());
        prop_assert!(month.days[0].spent.0 <= budget.0 / demand.len() as i64);
    }

    #[test]
    fn no_month_overspends(demand in months(), share in 0.0f64..3.0, multiple in 0.5f64..40.0) {
        let budget = Cents((total(&demand) * share) as i64);
        for rule in [PacingRule::Price, PacingRule::None] {
            let month = simulate(&Pacing { rule, largest_daily_multiple: multiple }, budget, &demand);
            prop_assert!(month.spent() <= budget);
        }
    }

    #[test]
    fn only_the_last_day_may_take_all(
        available in 100i64..1_000_000, days_left in 2u32..31, spent in 0i64..100_000, price in 0.0f64..30.0,
        day in proptest::collection::vec((0.1f64..20.0, 50i64..1_000), 1..60),
    ) {
        let first = allowance_of(&day, &BY_PRICE, Cents(available), days_left, &[]);
        prop_assert!(first.allowance.0 <= available / i64::from(days_left));
        let later = allowance_of(&day, &BY_PRICE, Cents(available), days_left, &yesterday(spent, price));
        prop_assert!(later.allowance.0 <= 2 * (available / i64::from(days_left)));
    }
}

#[test]
fn a_budget_that_pays_for_everything_is_not_paced() {
    let pays = |available, days_left, cooldown| pays_for_everything(Cents(100), Cents(available), days_left, cooldown);
    assert!(pays(100, 30, 30) && !pays(99, 30, 30), "everybody is treated once");
    assert!(pays(200, 31, 30) && !pays(199, 31, 30), "and a second time on the last day");
    assert!(pays(3_000, 30, 0) && !pays(2_999, 30, 0), "without a cooldown the offers come again every day");
    assert!(!pays_for_everything(Cents(i64::MAX), Cents(i64::MAX), 30, 1));
}
