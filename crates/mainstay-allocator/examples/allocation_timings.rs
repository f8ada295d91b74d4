//! Times one allocation for `benches/allocation`: `allocation_timings CUSTOMERS KINDS budget|rules|CENTS [FOLDER]`.
//!
//! The population is made from a fixed seed, and decided under a budget, under a budget and eight rules, or under a budget of so
//! many cents. With a folder its columns are written there as raw little-endian integers, for peers, and `rules.json` beside them.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use mainstay_allocator::{ValidInstance, allocate};
use mainstay_schema::plan::{Instance, Offer, Offers, Rule, Selection, Term, Weight};
use mainstay_schema::{Cents, DecisionReason, Digest};

const SEGMENTS: u16 = 5;
/// Cost in cents and share of the value that is saved, by kind.
const CATALOGUE: [(i64, f64); 6] = [(50, 0.03), (100, 0.05), (500, 0.10), (1_000, 0.15), (2_000, 0.22), (5_000, 0.40)];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (customers, kinds): (usize, usize) = (arguments[0].parse().unwrap(), arguments[1].parse().unwrap());
    let rules = match arguments[2].as_str() {
        "rules" => rules(customers as i64, kinds),
        "budget" => vec![budget(customers as i64)],
        cents => vec![Rule::budget(cents.parse().unwrap())],
    };
    let folder = arguments.get(3).map(Path::new);
    let mut risks = Vec::new();
    let offers = population(customers, kinds, |risk| risks.extend(folder.map(|_| risk)));
    if let Some(folder) = folder {
        dump(folder, &offers, &risks, &rules);
    }
    let instance = Instance { offers: Arc::new(offers), rules };
    let started = Instant::now();
    let instance = ValidInstance::new(instance).unwrap();
    let solution = allocate(&instance).unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let certificate = &solution.certificate;
    println!(
        "{{\"seconds\": {seconds}, \"gap\": {:e}, \"value\": {}, \"upper_bound\": {}, \"is_optimal\": {}, \
         \"bytes_per_offer\": {}, \"rules\": {}}}",
        certificate.gap(),
        certificate.plan_value.0,
        certificate.upper_bound.0,
        solution.is_optimal,
        peak_bytes() / (customers * kinds) as f64,
        certificate.rules.len()
    );
}

/// xorshift64 of Marsaglia (2003).
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Customers whose worth is spread over some powers of ten, each with every offer of the catalogue; their risks of leaving, in
/// 1/10,000, are handed out beside.
fn population(customers: usize, kinds: usize, mut risky: impl FnMut(i64)) -> Offers {
    let mut draws = Draws(88_172_645_463_325_252);
    let mut offers = Offers::new(Digest::of(b"benchmark")).with_capacity(customers, customers * kinds);
    for _ in 0..customers {
        let worth = draws.below(100_000) as f64 * (draws.below(1_000) as f64 / 1_000.0).powi(2);
        let risk = draws.below(10_000);
        risky(risk as i64);
        let at_risk = worth * risk as f64 / 10_000.0;
        let segment = draws.below(u64::from(SEGMENTS)) as u16;
        let own: Vec<Offer> = (0u16..)
            .zip(&CATALOGUE[..kinds])
            .map(|(kind, &(cost, effect))| {
                let saved = at_risk * effect * (0.5 + draws.below(1_000) as f64 / 1_000.0);
                Offer { kind, value: Cents(saved as i64), cost: Cents(cost) }
            })
            .collect();
        offers.push_customer(segment, own);
    }
    offers
}

fn budget(customers: i64) -> Rule {
    Rule::budget(customers * 100)
}

/// A budget, two capacities, two floors, two shares and parity between two segments.
fn rules(customers: i64, kinds: usize) -> Vec<Rule> {
    let some = |labels: &[u16]| Selection::Of(labels.to_vec());
    let term = |kinds, segments, weight, factor| Term { kinds, segments, weight, factor };
    let rule = |name: &str, reason, terms, limit| Rule { name: name.to_owned(), reason, terms, limit };
    let dearest = some(&[kinds as u16 - 1]);
    let (count, cost) = (Weight::Count, Weight::Cost);
    use DecisionReason::{BudgetShare, Capacity, Floor, Parity};
    let parity = |one, other| {
        vec![term(Selection::All, some(&[one]), count, 4), term(Selection::All, some(&[other]), count, -5)]
    };
    vec![
        budget(customers),
        rule("calls", Capacity, vec![term(dearest, Selection::All, count, 1)], customers / 200),
        rule("sms", Capacity, vec![term(some(&[2, 3]), Selection::All, count, 1)], customers / 25),
        rule("mail", Floor, vec![term(some(&[0]), Selection::All, count, -1)], -customers / 20),
        rule("share of segment 0", BudgetShare, vec![term(Selection::All, some(&[0]), cost, 1)], customers * 15),
        rule("floor of segment 4", Floor, vec![term(Selection::All, some(&[4]), cost, -1)], -customers * 28),
        rule("parity 0 to 1", Parity, parity(0, 1), 0),
        rule("parity 1 to 0", Parity, parity(1, 0), 0),
        rule("share of mail", BudgetShare, vec![term(some(&[0, 1]), Selection::All, cost, 1)], customers * 20),
    ]
}

fn dump(folder: &Path, offers: &Offers, risks: &[i64], rules: &[Rule]) {
    let write = |name: &str, values: &mut dyn Iterator<Item = i64>| {
        std::fs::write(folder.join(name), values.flat_map(i64::to_le_bytes).collect::<Vec<u8>>()).unwrap();
    };
    write("values", &mut offers.iter().map(|offer| offer.value.0));
    write("costs", &mut offers.iter().map(|offer| offer.cost.0));
    write("risks", &mut risks.iter().copied());
    write("segments", &mut offers.segments().iter().map(|&segment| i64::from(segment)));
    std::fs::write(folder.join("rules.json"), serde_json::to_string(rules).unwrap()).unwrap();
}

/// The most memory that the process ever held.
fn peak_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: 0 kB");
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<f64>().ok()).unwrap_or(0.0) * 1024.0
}
