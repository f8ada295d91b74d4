//! Messages and calls, and what comes of them.

use std::collections::{BTreeMap, VecDeque};

use mainstay_schema::Month;

use crate::calendar::{CalendarDay, DAY_SECONDS, SECOND};
use crate::campaign::Intervention;
use crate::consent::{ConsentChange, ContactChannel};
use crate::customer::Customer;
use crate::loading;
use crate::random::Draws;

/// A message or call of a campaign. What lies after the last day with data is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// From 1, ascending with the day that it was sent on.
    pub number: u64,
    /// Number of the customer.
    pub customer: u32,
    /// In microseconds since 1970 UTC.
    pub sent_at: i64,
    /// In microseconds since 1970 UTC.
    pub loaded_at: i64,
    /// The month of the campaign.
    pub month: Month,
    /// How the customer was reached.
    pub channel: ContactChannel,
    /// `None` for news.
    pub intervention: Option<Intervention>,
    /// When it was opened or answered, in microseconds since 1970 UTC.
    pub opened_at: Option<i64>,
    /// When a link was followed, in microseconds since 1970 UTC.
    pub clicked_at: Option<i64>,
    /// When an order came of it, in microseconds since 1970 UTC.
    pub converted_at: Option<i64>,
    /// When the customer unsubscribed by it, in microseconds since 1970 UTC.
    pub unsubscribed_at: Option<i64>,
}

/// An order within so many days after it was sent comes of a contact that was clicked.
const CONVERSION_DAYS: i32 = 7;
/// Days between two letters with news for a customer.
const NEWS_EVERY_DAYS: i32 = 14;
/// Factor of what is opened, from the day on which somebody begins to fade.
const OPENED_FADING: f64 = 0.2;
/// Share of the news that leads to the end of the subscription: of the content, and of those who fade.
const UNSUBSCRIBED: (f64, f64) = (0.001, 0.025);

/// Whether the day is one of those on which the customer gets news.
pub(crate) fn is_news_due(customer: &Customer, day: &CalendarDay) -> bool {
    (day.number - customer.number as i32).rem_euclid(NEWS_EVERY_DAYS) == 0
}

/// How the customer gets news, if at all.
pub(crate) fn news_channel(customer: &Customer) -> Option<ContactChannel> {
    let news = [ContactChannel::Email, ContactChannel::Push, ContactChannel::Sms];
    news.into_iter().find(|&channel| customer.consents.has(channel))
}

/// Sends news.
pub(crate) fn send_news(
    customer: &Customer,
    channel: ContactChannel,
    day: &CalendarDay,
    end: i64,
    draws: &mut Draws,
) -> Contact {
    let vigour = customer.interest.vigour().min(1.0);
    let is_fading = customer.interest.is_fading();
    let opened = (0.3 + 0.4 * vigour) * if is_fading { OPENED_FADING } else { 1.0 };
    let unsubscribed = draws.chance(if is_fading { UNSUBSCRIBED.1 } else { UNSUBSCRIBED.0 });
    let mut contact = Contact::new(customer.number, channel, day, draws);
    contact.answer(opened, 0.02 + 0.3 * vigour, unsubscribed, end, draws);
    contact
}

/// Sends an intervention, which the customer welcomes or not.
pub(crate) fn send_intervention(
    customer: &Customer,
    intervention: Intervention,
    is_welcome: bool,
    day: &CalendarDay,
    end: i64,
    draws: &mut Draws,
) -> Contact {
    let vigour = customer.interest.vigour().min(1.0);
    let (opened, clicked) = if is_welcome { (1.0, 0.8) } else { (0.2 + 0.4 * vigour, 0.05 + 0.2 * vigour) };
    let mut contact = Contact::new(customer.number, intervention.channel(), day, draws);
    contact.intervention = Some(intervention);
    contact.answer(opened, clicked, false, end, draws);
    contact
}

impl Contact {
    /// Sent between 8 and 18 o'clock; news, unless said otherwise.
    fn new(customer: u32, channel: ContactChannel, day: &CalendarDay, draws: &mut Draws) -> Self {
        let sent_at = day.midnight + draws.between(8.0 * 3_600.0, 18.0 * 3_600.0) as i64 * SECOND;
        Self {
            number: 0,
            customer,
            sent_at,
            loaded_at: loading::on_time(sent_at, day.midnight, draws),
            month: day.ds.month(),
            channel,
            intervention: None,
            opened_at: None,
            clicked_at: None,
            converted_at: None,
            unsubscribed_at: None,
        }
    }

    /// What the customer makes of it, with the probabilities of opening, and of following a link in what was opened.
    fn answer(&mut self, opened: f64, clicked: f64, unsubscribes: bool, end: i64, draws: &mut Draws) {
        if !(draws.chance(opened) || unsubscribes) {
            return;
        }
        let is_call = self.channel == ContactChannel::Call;
        let hours = if is_call { 0.0 } else { (5.0 * draws.exponential()).min(5.0 * 24.0) };
        let opened_at = self.sent_at + 30 * SECOND + (hours * 3_600.0) as i64 * SECOND;
        let clicked_at = opened_at + draws.between(5.0, 120.0) as i64 * SECOND;
        let unsubscribed_at = clicked_at + draws.between(5.0, 120.0) as i64 * SECOND;
        let known = |at: i64| (at < end).then_some(at);
        self.opened_at = known(opened_at);
        if !is_call && draws.chance(clicked) {
            self.clicked_at = known(clicked_at);
        }
        if unsubscribes {
            self.unsubscribed_at = known(unsubscribed_at);
        }
    }
}

impl Contact {
    /// What an unsubscription does to the consent.
    pub(crate) fn withdrawal(&self, day: &CalendarDay, draws: &mut Draws) -> Option<ConsentChange> {
        let changed_at = self.unsubscribed_at?;
        let days_after = (changed_at - day.midnight).div_euclid(DAY_SECONDS * SECOND);
        let midnight = day.midnight + days_after * DAY_SECONDS * SECOND;
        Some(ConsentChange {
            customer: self.customer,
            channel: self.channel,
            changed_at,
            loaded_at: loading::on_time(changed_at, midnight, draws),
            is_granted: false,
        })
    }
}

/// Contacts of the last days, of which an order may still come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outbox {
    /// By day number, consecutive.
    held: VecDeque<(i32, Vec<Contact>)>,
    /// Day number and position of the last contact that a customer clicked.
    clicked: BTreeMap<u32, (i32, usize)>,
}

impl Outbox {
    /// Begins a day.
    pub(crate) fn begin(&mut self, day: i32) {
        self.held.push_back((day, Vec::new()));
    }

    /// Holds what was sent on the day that was begun last.
    pub(crate) fn send(&mut self, contact: Contact) {
        let Some((day, contacts)) = self.held.back_mut() else { return };
        if contact.clicked_at.is_some() {
            self.clicked.insert(contact.customer, (*day, contacts.len()));
        }
        contacts.push(contact);
    }

    /// Links an order to the contact that it came of, if any.
    pub(crate) fn order(&mut self, customer: u32, ordered_at: i64) {
        let Some(&(day, position)) = self.clicked.get(&customer) else { return };
        let Some(&(first, _)) = self.held.front() else { return };
        let of_day = usize::try_from(day - first).ok().and_then(|index| self.held.get_mut(index));
        let Some(contact) = of_day.and_then(|(_, contacts)| contacts.get_mut(position)) else { return };
        let latest = contact.sent_at + i64::from(CONVERSION_DAYS) * DAY_SECONDS * SECOND;
        let follows = contact.clicked_at.is_some_and(|clicked_at| clicked_at < ordered_at) && ordered_at < latest;
        if follows && contact.converted_at.is_none() {
            contact.converted_at = Some(ordered_at);
        }
    }

    /// The contacts of which no order can come after `day`; all of them on the last day.
    pub(crate) fn release(&mut self, day: i32, is_last: bool) -> Vec<Contact> {
        let mut released = Vec::new();
        while let Some((_, contacts)) = self.held.pop_front_if(|(sent, _)| is_last || *sent + CONVERSION_DAYS <= day) {
            released.extend(contacts);
        }
        released
    }
}
