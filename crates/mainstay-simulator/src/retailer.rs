//! The retailer, one day after the other.

use std::collections::BTreeMap;
use std::mem;

use mainstay_schema::Ds;

use crate::calendar::{CalendarDay, DAY_SECONDS, SECOND};
use crate::campaign::{self, Assignment};
use crate::catalogue::Catalogue;
use crate::consent::{ConsentChange, ContactChannel};
use crate::contact::{self, Contact, Outbox};
use crate::customer::{Customer, REGIONS};
use crate::loading;
use crate::order::{Order, purchase};
use crate::random::{Draws, Stream};
use crate::settings::{Profile, ValidSettings};
use crate::support::Ticket;
use crate::web::{self, WebEvent};

/// Share of the customers who signed up before the first day with data.
const EARLIER_CUSTOMERS: f64 = 0.45;
/// Days that earlier customers live through before the first day with data.
const WARM_UP_DAYS: i32 = 365;
/// Share of the customers who sign up in order to buy at once.
const BUYS_AT_SIGN_UP: f64 = 0.85;

/// All that happened on a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Day {
    /// The day.
    pub ds: Ds,
    /// New customers, and customers with another region or e-mail address; by customer.
    pub customers: Vec<CustomerVersion>,
    /// Orders and returns, by time.
    pub orders: Vec<Order>,
    /// What customers did on the web site, by time; nothing with the profile `orders`.
    pub web_events: Vec<WebEvent>,
    /// Support cases that were opened, by time.
    pub tickets: Vec<Ticket>,
    /// Contacts that were sent a week ago, for now it is known which led to an order; on the last day the later ones too. By time.
    pub contacts: Vec<Contact>,
    /// Whom a campaign drew, by customer.
    pub assignments: Vec<Assignment>,
    /// Consents that were given or withdrawn, by time.
    pub consents: Vec<ConsentChange>,
}

/// A customer's attributes from an instant on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerVersion {
    /// From 1, ascending with the sign-up.
    pub customer: u32,
    /// In microseconds since 1970 UTC.
    pub valid_from: i64,
    /// In microseconds since 1970 UTC.
    pub signed_up_at: i64,
    /// Two letters.
    pub country: &'static str,
    /// A quarter of the country, where it is known.
    pub region: Option<&'static str>,
    /// How many addresses came before the present one.
    pub email_changes: u32,
    /// Where it is known.
    pub birth_year: Option<i32>,
    /// Where it is known.
    pub gender: Option<&'static str>,
    /// low, middle or high, where it is known.
    pub income_band: Option<&'static str>,
}

/// The simulation between two days: an iterator over the days with data, in order.
#[derive(Debug, Clone)]
pub struct Retailer {
    settings: ValidSettings,
    catalogue: Catalogue,
    /// Day number of everybody's sign-up, ascending: the customer's number less one is the position.
    sign_up_days: Vec<i32>,
    customers: Vec<Customer>,
    coming: Coming,
    outbox: Outbox,
    next_day: i32,
    next: Numbers,
    /// Midnight of the first day with data and the one after the last, in microseconds since 1970 UTC.
    span: (i64, i64),
}

/// What is bound to happen, by day number.
#[derive(Debug, Clone, Default)]
struct Coming {
    returns: BTreeMap<i32, Vec<Order>>,
    tickets: BTreeMap<i32, Vec<Ticket>>,
    consents: BTreeMap<i32, Vec<ConsentChange>>,
}

/// The numbers that come next.
#[derive(Debug, Clone)]
struct Numbers {
    order: u64,
    web_event: u64,
    ticket: u64,
    contact: u64,
}

impl Retailer {
    /// The retailer on the eve of the first day with data.
    pub fn new(settings: ValidSettings) -> Self {
        let midnight = |number| CalendarDay::new(settings.get().seed, settings.get().start, number).midnight;
        let mut retailer = Self {
            catalogue: Catalogue::new(settings.get().seed),
            sign_up_days: sign_up_days(&settings),
            customers: Vec::new(),
            coming: Coming::default(),
            outbox: Outbox::default(),
            next_day: -WARM_UP_DAYS,
            next: Numbers { order: 1, web_event: 1, ticket: 1, contact: 1 },
            span: (midnight(0), midnight(settings.get().days as i32)),
            settings,
        };
        while retailer.next_day < 0 {
            retailer.live();
        }
        retailer
    }

    /// The customers as they are at the midnight after the last day that was simulated, by number.
    pub(crate) fn customers(&self) -> &[Customer] {
        &self.customers
    }

    /// What is on the shelf.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Number of the day that is simulated next.
    pub(crate) fn next_day(&self) -> i32 {
        self.next_day
    }

    fn live(&mut self) -> Day {
        let settings = self.settings.get();
        let today = CalendarDay::new(settings.seed, settings.start, self.next_day);
        let is_last = self.next_day + 1 == settings.days as i32;
        let mut day = Day {
            ds: today.ds,
            customers: Vec::new(),
            orders: self.coming.returns.remove(&today.number).unwrap_or_default(),
            web_events: Vec::new(),
            tickets: self.coming.tickets.remove(&today.number).unwrap_or_default(),
            contacts: Vec::new(),
            assignments: Vec::new(),
            consents: self.coming.consents.remove(&today.number).unwrap_or_default(),
        };
        if today.number == 0 {
            self.take_stock(&today, &mut day);
        }
        self.outbox.begin(today.number);
        self.live_on(&today, &mut day);
        self.welcome(&today, &mut day);

        let (first_midnight, _) = self.span;
        day.contacts = self.outbox.release(today.number, is_last);
        day.contacts.retain(|contact| contact.sent_at >= first_midnight);
        self.next.number(&mut day);
        self.next_day += 1;
        day
    }

    /// The first day's snapshot of those who signed up before it.
    fn take_stock(&self, today: &CalendarDay, day: &mut Day) {
        for customer in &self.customers {
            day.customers.push(CustomerVersion::of(customer, today.midnight));
            state_consents(customer, today.midnight, today, self.settings.get().seed, &mut day.consents);
        }
    }

    /// The day of those who are customers already.
    fn live_on(&mut self, today: &CalendarDay, day: &mut Day) {
        let seed = self.settings.get().seed;
        let mut customers = mem::take(&mut self.customers);
        for customer in &mut customers {
            let mut draws = Draws::new(seed, Stream::Life, customer.number, today.number);
            let lived = customer.live(today, &mut draws);
            if lived.changed {
                // Not at midnight, where the first day's snapshot lies.
                let second = draws.between(1.0, 86_400.0) as i64;
                day.customers.push(CustomerVersion::of(customer, today.midnight + second * SECOND));
            }
            self.reach_out(customer, today, day);
            if lived.visits > 0 && self.has_web(today) {
                let mut draws = Draws::new(seed, Stream::Visit, customer.number, today.number);
                for _ in 0..lived.visits {
                    web::browse(customer, today, today.midnight, &mut draws, &mut day.web_events);
                }
            }
            if lived.buys {
                self.buy(customer, today, day);
            }
        }
        self.customers = customers;
    }

    /// The day of those who sign up today.
    fn welcome(&mut self, today: &CalendarDay, day: &mut Day) {
        let seed = self.settings.get().seed;
        let so_far = self.customers.len();
        let count = self.sign_up_days.iter().skip(so_far).take_while(|&&sign_up| sign_up <= today.number).count();
        for number in (1u32..).skip(so_far).take(count) {
            let mut draws = Draws::new(seed, Stream::SignUp, number, 1);
            let second = draws.between(6.0 * 3_600.0, 22.0 * 3_600.0) as i64;
            let mut customer = Customer::sign_up(seed, number, today, second);
            day.customers.push(CustomerVersion::of(&customer, customer.signed_up_at));
            state_consents(&customer, customer.signed_up_at, today, seed, &mut day.consents);
            if draws.chance(BUYS_AT_SIGN_UP) {
                self.buy(&mut customer, today, day);
            } else if self.has_web(today) {
                let mut draws = Draws::new(seed, Stream::Visit, number, today.number);
                web::browse(&customer, today, customer.signed_up_at, &mut draws, &mut day.web_events);
            }
            self.customers.push(customer);
        }
    }

    fn has_web(&self, today: &CalendarDay) -> bool {
        today.number >= 0 && self.settings.get().profile == Profile::Full
    }

    fn buy(&mut self, customer: &mut Customer, today: &CalendarDay, day: &mut Day) {
        let mut draws = Draws::new(self.settings.get().seed, Stream::Purchase, customer.number, today.number);
        let (_, end) = self.span;
        let purchase = purchase(customer, today, &self.catalogue, end, &mut draws);
        if let Some((return_day, return_order)) = purchase.return_order {
            self.coming.returns.entry(return_day).or_default().push(return_order);
        }
        if let Some((ticket_day, ticket)) = purchase.ticket {
            let tickets = if ticket_day == today.number {
                &mut day.tickets
            } else {
                self.coming.tickets.entry(ticket_day).or_default()
            };
            tickets.push(ticket);
        }
        if purchase.is_online && self.has_web(today) {
            web::order(customer, today, &purchase.order, purchase.trouble, &mut draws, &mut day.web_events);
        }
        self.outbox.order(customer.number, purchase.order.ordered_at);
        day.orders.push(purchase.order);
    }

    /// The retailer's campaigns and news, and what customers think of being written to.
    fn reach_out(&mut self, customer: &mut Customer, today: &CalendarDay, day: &mut Day) {
        let seed = self.settings.get().seed;
        let (_, end) = self.span;
        if campaign::is_eligible(customer, today) {
            let mut draws = Draws::new(seed, Stream::Campaign, customer.number, today.number);
            let assignment = campaign::draw(customer, today, &mut draws);
            if let Some(intervention) = assignment.as_ref().and_then(|assignment| assignment.arm) {
                let is_welcome = draws.chance(intervention.chance(customer));
                self.outbox.send(contact::send_intervention(
                    customer,
                    intervention,
                    is_welcome,
                    today,
                    end,
                    &mut draws,
                ));
                customer.last_intervention_day = Some(today.number);
                if is_welcome {
                    customer.interest = customer.interest.kept();
                }
            }
            day.assignments.extend(assignment);
        }
        if contact::is_news_due(customer, today) {
            let mut draws = Draws::new(seed, Stream::Newsletter, customer.number, today.number);
            let news = contact::news_channel(customer)
                .map(|channel| contact::send_news(customer, channel, today, end, &mut draws));
            let change = match &news {
                Some(news) if news.unsubscribed_at.is_some() => news.withdrawal(today, &mut draws),
                _ => customer.consents.review(customer.number, customer.interest, today, &mut draws),
            };
            if let Some(change) = change {
                customer.consents.set(change.channel, change.is_granted);
                let days_after = (change.changed_at - today.midnight).div_euclid(DAY_SECONDS * SECOND) as i32;
                let consents = if days_after == 0 {
                    &mut day.consents
                } else {
                    self.coming.consents.entry(today.number + days_after).or_default()
                };
                consents.push(change);
            }
            if let Some(news) = news {
                self.outbox.send(news);
            }
        }
    }
}

/// States all consents of a customer at an instant.
fn state_consents(
    customer: &Customer,
    changed_at: i64,
    today: &CalendarDay,
    seed: u64,
    consents: &mut Vec<ConsentChange>,
) {
    let mut draws = Draws::new(seed, Stream::Consent, customer.number, today.number);
    let loaded_at = loading::on_time(changed_at, today.midnight, &mut draws);
    consents.extend(ContactChannel::ALL.map(|channel| ConsentChange {
        customer: customer.number,
        channel,
        changed_at,
        loaded_at,
        is_granted: customer.consents.has(channel),
    }));
}

impl Numbers {
    /// Sorts what happened on a day and numbers it.
    fn number(&mut self, day: &mut Day) {
        day.customers.sort_by_key(|version| (version.customer, version.valid_from));
        day.orders.sort_by_key(|order| (order.ordered_at, order.customer, order.is_return));
        day.web_events.sort_by_key(|event| (event.occurred_at, event.customer));
        day.tickets.sort_by_key(|ticket| (ticket.opened_at, ticket.customer));
        day.contacts.sort_by_key(|contact| (contact.sent_at, contact.customer));
        day.consents.sort_by_key(|change| (change.changed_at, change.customer));
        day.orders.iter_mut().for_each(|order| order.number = take(&mut self.order));
        day.web_events.iter_mut().for_each(|event| event.number = take(&mut self.web_event));
        day.tickets.iter_mut().for_each(|ticket| ticket.number = take(&mut self.ticket));
        day.contacts.iter_mut().for_each(|contact| contact.number = take(&mut self.contact));
    }
}

fn take(next: &mut u64) -> u64 {
    *next += 1;
    *next - 1
}

impl Iterator for Retailer {
    type Item = Day;

    fn next(&mut self) -> Option<Day> {
        let is_over = self.next_day >= self.settings.get().days as i32;
        (!is_over).then(|| self.live())
    }
}

impl CustomerVersion {
    fn of(customer: &Customer, valid_from: i64) -> Self {
        Self {
            customer: customer.number,
            valid_from,
            signed_up_at: customer.signed_up_at,
            country: customer.traits.country,
            region: customer.region.and_then(|region| REGIONS.get(region)).copied(),
            email_changes: customer.email_changes,
            birth_year: customer.traits.birth_year,
            gender: customer.traits.gender,
            income_band: customer.traits.income_band,
        }
    }
}

/// When everybody signs up, ascending: some in the warm-up, the rest over the days with data, as demand goes.
fn sign_up_days(settings: &ValidSettings) -> Vec<i32> {
    let settings = settings.get();
    let demand_so_far: Vec<f64> = (0..settings.days as i32)
        .scan(0.0, |total, number| {
            *total += CalendarDay::new(settings.seed, settings.start, number).demand;
            Some(*total)
        })
        .collect();
    let total = demand_so_far.last().copied().unwrap_or_default();
    let mut days: Vec<i32> = (1..=settings.customers)
        .map(|number| {
            let mut draws = Draws::new(settings.seed, Stream::SignUp, number, 0);
            if draws.chance(EARLIER_CUSTOMERS) {
                -1 - draws.index(WARM_UP_DAYS as usize) as i32
            } else {
                let level = draws.uniform() * total;
                demand_so_far.partition_point(|&demand| demand <= level) as i32
            }
        })
        .collect();
    days.sort_unstable();
    days
}
