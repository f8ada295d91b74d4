//! How much of what is left of the month is worth spending today.
//!
//! The price of budget decides, not an equal slice: a day on which money buys much spends more, a poor day less.
//!
//! 1. `slice` = available / days left: what the rest of the month can sustain a day. What was spent too little raises it,
//!    what was spent too much lowers it.
//! 2. Today's own price is the price at which today's offers cost one slice.
//! 3. The reference price is the last day's, moved a quarter of the way (in ratio) to today's own, by at most a factor of 2.
//! 4. The allowance is what today's offers cost that pay at the reference price, at least half a slice and at most
//!    `largest_daily_multiple` slices. The floor keeps money from being saved for better days that cooldowns and a shrinking
//!    population never bring.
//!
//! So a price that is too high for the demand comes down day by day: by a half while nothing sells, and while the slice
//! grows. The month's first day has no price to start from and takes its slice, as its own price; so does any day behind
//! one whose price was 0 because everything fitted. The last day may spend all that is left.
//!
//! None of this applies where [`pays_for_everything`]: the price of budget is 0 then.
//!
//! The price moves in ratios, as in dual mirror descent with an entropy (Balseiro, Lu and Mirrokni, "Dual Mirror Descent for
//! Online Allocation Problems", 2020). There a fixed rate times the day's error in spending is the step; here today's demand
//! says how far the price is off, because where demand is elastic a fixed rate makes spending swing between nothing and the
//! limit. Only products, quotients and square roots of doubles occur, which have the same bits everywhere.

use mainstay_schema::{Cents, Ds};
use serde::{Deserialize, Serialize};

/// The farthest that today's own price may pull, as a ratio; its fourth root is the most by which a price moves in a day.
const LARGEST_PULL: f64 = 16.0;

/// Who decides what a day may spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PacingRule {
    /// The price of budget.
    Price,
    /// Nobody: each day may spend all that is left.
    None,
}

/// The policy's terms of pacing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pacing {
    /// Who decides.
    pub rule: PacingRule,
    /// The most that a day but the last may spend, in equal slices of what is left; at least 1 (what is below counts as 1).
    pub largest_daily_multiple: f64,
}

/// What an earlier day of the month spent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PacingDay {
    /// The day.
    pub ds: Ds,
    /// What it could have spent.
    pub allowance: Cents,
    /// What its plan cost.
    pub spent: Cents,
    /// The reference price of its allowance.
    pub price: f64,
}

/// What today may spend.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Allowance {
    /// The most that today's plan may cost, never more than is available.
    pub allowance: Cents,
    /// The price of budget by which today was judged: what the next day's price starts from.
    pub reference_price: f64,
}

/// Whether the month pays for everything, so that nothing needs to be paced: all that is worth its cost today, as often as it
/// can come again within the rest of the month.
///
/// A customer who is treated is left alone for `cooldown_days`. Where the money is not scarce, spreading it over the days would
/// only give people lesser offers than they are worth, and then keep better ones from them for the cooldown.
pub fn pays_for_everything(worthwhile: Cents, available: Cents, days_left: u32, cooldown_days: u32) -> bool {
    let turns = days_left.max(1).div_ceil(cooldown_days.max(1));
    worthwhile.0.checked_mul(i64::from(turns)).is_some_and(|cost| cost <= available.0)
}

/// What today may spend of the `available` money.
///
/// `days_left` counts today; `history` is the month's earlier days in order, the last one last. `demand_at` is what today's
/// offers cost that pay at a price of budget, and falls as the price rises; `price_for` is the price at which a sum buys
/// today's best offers.
pub fn todays_allowance(
    pacing: &Pacing,
    available: Cents,
    days_left: u32,
    history: &[PacingDay],
    demand_at: impl Fn(f64) -> Cents,
    price_for: impl Fn(Cents) -> f64,
) -> Allowance {
    let is_all_for_today = pacing.rule == PacingRule::None || days_left <= 1;
    if available <= Cents::ZERO || is_all_for_today {
        let allowance = available.max(Cents::ZERO);
        return Allowance { allowance, reference_price: price_for(allowance) };
    }
    let slice = Cents(available.0 / i64::from(days_left));
    let own_price = price_for(slice);
    let Some(last) = history.last() else {
        return Allowance { allowance: slice, reference_price: own_price };
    };
    let has_price = last.price.is_finite() && last.price > 0.0;
    let reference_price = if has_price { moved_towards(last.price, own_price) } else { own_price };
    let most = multiple_of(slice, pacing.largest_daily_multiple).min(available);
    let least = Cents(slice.0 / 2);
    let allowance = demand_at(reference_price).clamp(least.min(most), most);
    Allowance { allowance, reference_price }
}

/// `floor(multiple * slice)`, with a multiple below 1 (or none) counting as 1.
fn multiple_of(slice: Cents, multiple: f64) -> Cents {
    Cents((slice.0 as f64 * multiple.max(1.0)).floor() as i64)
}

/// `from^(3/4) * to^(1/4)` for a `from` above 0, with `to` held within a factor of [`LARGEST_PULL`].
fn moved_towards(from: f64, to: f64) -> f64 {
    let pull = to.clamp(from / LARGEST_PULL, from * LARGEST_PULL);
    (from * (from * pull).sqrt()).sqrt()
}

#[cfg(test)]
mod tests;
