//! Scratch.
use mainstay_allocator::*;
use mainstay_schema::plan::*;
use mainstay_schema::*;
use std::sync::Arc;
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
fn main() {
    let n: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let mut s = 88172645463325252u64;
    let mut offers = Offers::new(Digest::of(b"x")).with_capacity(n, n * 6);
    for _ in 0..n {
        let clv = (next(&mut s) % 100_000) as f64 * ((next(&mut s) % 1000) as f64 / 1000.0).powi(2);
        let p = (next(&mut s) % 10_000) as f64 / 10_000.0;
        let seg = (next(&mut s) % 5) as u16;
        let costs = [50, 100, 500, 1000, 2000, 5000];
        let eff = [0.03, 0.05, 0.1, 0.15, 0.22, 0.4];
        let o: Vec<Offer> = (0..6)
            .map(|k| {
                let jitter = 0.5 + (next(&mut s) % 1000) as f64 / 1000.0;
                Offer { kind: k as u16, value: Cents((p * clv * eff[k] * jitter) as i64), cost: Cents(costs[k]) }
            })
            .collect();
        offers.push_customer(seg, o);
    }
    let kinds = |k: &[u16]| Selection::Of(k.to_vec());
    let n64 = n as i64;
    let term = |kinds, segments, weight, factor| Term { kinds, segments, weight, factor };
    let rule = |name: &str, reason, terms, limit| Rule { name: name.into(), reason, terms, limit };
    let mut rules = vec![Rule::budget(n64 * 100)];
    rules.push(rule(
        "calls",
        DecisionReason::Capacity,
        vec![term(kinds(&[5]), Selection::All, Weight::Count, 1)],
        n64 / 200,
    ));
    rules.push(rule(
        "sms",
        DecisionReason::Capacity,
        vec![term(kinds(&[2, 3]), Selection::All, Weight::Count, 1)],
        n64 / 25,
    ));
    rules.push(rule(
        "mail floor",
        DecisionReason::Floor,
        vec![term(kinds(&[0]), Selection::All, Weight::Count, -1)],
        -n64 / 20,
    ));
    rules.push(rule(
        "seg0 share",
        DecisionReason::BudgetShare,
        vec![term(Selection::All, kinds(&[0]), Weight::Cost, 1)],
        n64 * 15,
    ));
    rules.push(rule(
        "seg4 floor",
        DecisionReason::Floor,
        vec![term(Selection::All, kinds(&[4]), Weight::Cost, -1)],
        -n64 * 28,
    ));
    rules.push(rule(
        "p01",
        DecisionReason::Parity,
        vec![term(Selection::All, kinds(&[0]), Weight::Count, 4), term(Selection::All, kinds(&[1]), Weight::Count, -5)],
        0,
    ));
    rules.push(rule(
        "p12",
        DecisionReason::Parity,
        vec![term(Selection::All, kinds(&[1]), Weight::Count, 4), term(Selection::All, kinds(&[0]), Weight::Count, -5)],
        0,
    ));
    rules.push(rule(
        "mail cost",
        DecisionReason::BudgetShare,
        vec![term(kinds(&[0, 1]), Selection::All, Weight::Cost, 1)],
        n64 * 20,
    ));
    let single = std::env::args().nth(2).is_some_and(|a| a == "single");
    if single {
        rules.truncate(1);
    }
    let inst = ValidInstance::new(Instance { offers: Arc::new(offers), rules }).unwrap();
    let t = std::time::Instant::now();
    let s = allocate(&inst).unwrap();
    println!("{:?} {:?} gap {:e}", t.elapsed(), s.is_optimal, s.certificate.gap());
    for r in &s.certificate.rules {
        println!(
            "{} limit {} used {} price {}",
            r.name,
            r.limit,
            r.used,
            r.price as f64 / s.certificate.denominator as f64
        );
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak: f64 =
        status.lines().find(|l| l.starts_with("VmHWM")).unwrap().split_whitespace().nth(1).unwrap().parse().unwrap();
    println!(
        "peak {} B/offer, value {} missed {}",
        peak * 1024.0 / (n as f64 * 6.0),
        s.certificate.plan_value,
        s.certificate.upper_bound.0 - s.certificate.plan_value.0
    );
}
