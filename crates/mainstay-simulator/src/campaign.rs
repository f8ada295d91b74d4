//! Campaigns that keep customers: who is drawn, for what, and what it does.

use mainstay_schema::Month;

use crate::calendar::{CalendarDay, SECOND};
use crate::consent::ContactChannel;
use crate::customer::Customer;
use crate::loading;
use crate::random::Draws;

/// What a campaign does for a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intervention {
    /// Somebody calls and listens.
    PersonalCall,
    /// A letter with a discount.
    DiscountEmail,
    /// A letter that reminds of the retailer.
    ReminderEmail,
}

/// What a campaign drew for a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// Number of the customer.
    pub customer: u32,
    /// The month of the campaign.
    pub month: Month,
    /// In microseconds since 1970 UTC.
    pub assigned_at: i64,
    /// In microseconds since 1970 UTC.
    pub loaded_at: i64,
    /// `None` for those who are left alone.
    pub arm: Option<Intervention>,
    /// Probability that the arm was drawn for this customer.
    pub propensity: f64,
}

type Arms = &'static [(Option<Intervention>, f64)];

const ARMS: Arms = &[
    (None, 0.40),
    (Some(Intervention::ReminderEmail), 0.25),
    (Some(Intervention::DiscountEmail), 0.20),
    (Some(Intervention::PersonalCall), 0.15),
];
/// For those who do not want to be called.
const ARMS_WITHOUT_CALL: Arms =
    &[(None, 0.45), (Some(Intervention::ReminderEmail), 0.30), (Some(Intervention::DiscountEmail), 0.25)];

/// Day of the month that a campaign is drawn on.
const CAMPAIGN_DAY: i8 = 5;
/// Share of the eligible that a campaign has room for.
const ROOM: f64 = 0.3;
/// A campaign is for those whose last order lies so many days back.
const DAYS_SINCE_ORDER: std::ops::RangeInclusive<u32> = 21..=365;
/// Days after an intervention without another one.
const REST_DAYS: i32 = 60;

impl Intervention {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::PersonalCall, Self::DiscountEmail, Self::ReminderEmail];

    /// The value of the columns `intervention` and `arm`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PersonalCall => "personal_call",
            Self::DiscountEmail => "discount_email",
            Self::ReminderEmail => "reminder_email",
        }
    }

    /// How it reaches the customer.
    pub(crate) fn channel(self) -> ContactChannel {
        match self {
            Self::PersonalCall => ContactChannel::Call,
            Self::DiscountEmail | Self::ReminderEmail => ContactChannel::Email,
        }
    }

    /// Probability that it keeps the customer from fading: a call helps those who met with trouble, a discount those who depend on
    /// it, a reminder those who were here lately.
    pub(crate) fn chance(self, customer: &Customer) -> f64 {
        match self {
            Self::PersonalCall => 0.25 + 0.5 * customer.discontent.min(1.0),
            Self::DiscountEmail => 0.05 + 0.6 * customer.traits.discount_dependence,
            Self::ReminderEmail => {
                let days = customer.days_since_order.map_or(365.0, f64::from);
                0.02 + 0.15 * libm::exp(-days / 45.0)
            }
        }
    }
}

/// Whether a campaign is drawn on the day and may draw the customer.
pub(crate) fn is_eligible(customer: &Customer, day: &CalendarDay) -> bool {
    day.ds.0.day() == CAMPAIGN_DAY
        && customer.consents.has(ContactChannel::Email)
        && customer.days_since_order.is_some_and(|days| DAYS_SINCE_ORDER.contains(&days))
        && customer.last_intervention_day.is_none_or(|last| day.number - last >= REST_DAYS)
}

/// Probability that the day's campaign draws and keeps an eligible customer.
pub(crate) fn chance(customer: &Customer) -> f64 {
    let of_arm = |&(arm, propensity): &(Option<Intervention>, f64)| {
        arm.map_or(0.0, |intervention| propensity * intervention.chance(customer))
    };
    ROOM * arms(customer).iter().map(of_arm).sum::<f64>()
}

/// Draws an arm for an eligible customer, if there is room.
pub(crate) fn draw(customer: &Customer, day: &CalendarDay, draws: &mut Draws) -> Option<Assignment> {
    if !draws.chance(ROOM) {
        return None;
    }
    let arms = arms(customer);
    let arm = draws.choose(arms, None);
    let propensity = arms.iter().find(|(other, _)| *other == arm).map_or(0.0, |(_, propensity)| *propensity);
    let assigned_at = day.midnight + draws.between(6.0 * 3_600.0, 8.0 * 3_600.0) as i64 * SECOND;
    Some(Assignment {
        customer: customer.number,
        month: day.ds.month(),
        assigned_at,
        loaded_at: loading::on_time(assigned_at, day.midnight, draws),
        arm,
        propensity,
    })
}

fn arms(customer: &Customer) -> Arms {
    if customer.consents.has(ContactChannel::Call) { ARMS } else { ARMS_WITHOUT_CALL }
}
