//! The retailer, one day after the other.

use std::collections::BTreeMap;
use std::mem;

use mainstay_schema::Ds;

use crate::calendar::{CalendarDay, SECOND};
use crate::catalogue::Catalogue;
use crate::customer::{Customer, REGIONS};
use crate::order::{Order, purchase};
use crate::random::{Draws, Stream};
use crate::settings::ValidSettings;

/// Share of the customers who signed up before the first day with data.
const EARLIER_CUSTOMERS: f64 = 0.45;
/// Days that earlier customers live through before the first day with data.
const WARM_UP_DAYS: i32 = 365;
/// Share of the customers who sign up in order to buy at once.
const BUYS_AT_SIGN_UP: f64 = 0.85;

/// All that happened on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// The day.
    pub ds: Ds,
    /// New customers, and customers with another region or e-mail address; by customer.
    pub customers: Vec<CustomerVersion>,
    /// Orders and returns, by time.
    pub orders: Vec<Order>,
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
    /// A quarter of the country.
    pub region: &'static str,
    /// How many addresses came before the present one.
    pub email_changes: u32,
    /// Where it is known.
    pub birth_year: Option<i32>,
    /// Where it is known.
    pub gender: Option<&'static str>,
}

/// The simulation between two days: an iterator over the days with data, in order.
#[derive(Debug, Clone)]
pub struct Retailer {
    settings: ValidSettings,
    catalogue: Catalogue,
    /// Day number of everybody's sign-up, ascending: the customer's number less one is the position.
    sign_up_days: Vec<i32>,
    customers: Vec<Customer>,
    /// By day number.
    coming_returns: BTreeMap<i32, Vec<Order>>,
    next_day: i32,
    next_order: u64,
}

impl Retailer {
    /// The retailer on the eve of the first day with data.
    pub fn new(settings: ValidSettings) -> Self {
        let mut retailer = Self {
            catalogue: Catalogue::new(settings.get().seed),
            sign_up_days: sign_up_days(&settings),
            customers: Vec::new(),
            coming_returns: BTreeMap::new(),
            next_day: -WARM_UP_DAYS,
            next_order: 1,
            settings,
        };
        while retailer.next_day < 0 {
            retailer.live();
        }
        retailer
    }

    fn live(&mut self) -> Day {
        let settings = self.settings.get();
        let day = CalendarDay::new(settings.seed, settings.start, self.next_day);
        let mut versions = if day.number == 0 { self.versions_of_all(&day) } else { Vec::new() };
        let mut orders = self.coming_returns.remove(&day.number).unwrap_or_default();

        self.live_on(&day, &mut versions, &mut orders);
        self.welcome(&day, &mut versions, &mut orders);

        versions.sort_by_key(|version| (version.customer, version.valid_from));
        orders.sort_by_key(|order| (order.ordered_at, order.customer, order.is_return));
        for order in &mut orders {
            order.number = self.next_order;
            self.next_order += 1;
        }
        self.next_day += 1;
        Day { ds: day.ds, customers: versions, orders }
    }

    /// The first day's snapshot of those who signed up before it.
    fn versions_of_all(&self, day: &CalendarDay) -> Vec<CustomerVersion> {
        self.customers.iter().map(|customer| CustomerVersion::of(customer, day.midnight)).collect()
    }

    /// The day of those who are customers already.
    fn live_on(&mut self, day: &CalendarDay, versions: &mut Vec<CustomerVersion>, orders: &mut Vec<Order>) {
        let seed = self.settings.get().seed;
        let mut customers = mem::take(&mut self.customers);
        for customer in &mut customers {
            let mut draws = Draws::new(seed, Stream::Life, customer.number, day.number);
            let lived = customer.live(day, &mut draws);
            if lived.changed {
                // Not at midnight, where the first day's snapshot lies.
                let second = draws.between(1.0, 86_400.0) as i64;
                versions.push(CustomerVersion::of(customer, day.midnight + second * SECOND));
            }
            if lived.buys {
                orders.push(self.buy(customer, day));
            }
        }
        self.customers = customers;
    }

    /// The day of those who sign up today.
    fn welcome(&mut self, day: &CalendarDay, versions: &mut Vec<CustomerVersion>, orders: &mut Vec<Order>) {
        let seed = self.settings.get().seed;
        let so_far = self.customers.len();
        let today = self.sign_up_days.iter().skip(so_far).take_while(|&&sign_up| sign_up <= day.number).count();
        for number in (1u32..).skip(so_far).take(today) {
            let mut draws = Draws::new(seed, Stream::SignUp, number, 1);
            let second = draws.between(6.0 * 3_600.0, 22.0 * 3_600.0) as i64;
            let mut customer = Customer::sign_up(seed, number, day, second);
            versions.push(CustomerVersion::of(&customer, customer.signed_up_at));
            if draws.chance(BUYS_AT_SIGN_UP) {
                orders.push(self.buy(&mut customer, day));
            }
            self.customers.push(customer);
        }
    }

    fn buy(&mut self, customer: &mut Customer, day: &CalendarDay) -> Order {
        let seed = self.settings.get().seed;
        let mut draws = Draws::new(seed, Stream::Purchase, customer.number, day.number);
        let purchase = purchase(customer, day, &self.catalogue, &mut draws);
        if let Some((return_day, return_order)) = purchase.return_order {
            self.coming_returns.entry(return_day).or_default().push(return_order);
        }
        purchase.order
    }
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
            region: REGIONS.get(customer.region).copied().unwrap_or_default(),
            email_changes: customer.email_changes,
            birth_year: customer.traits.birth_year,
            gender: customer.traits.gender,
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
