//! Churn can be learnt, and not from recency alone: a plain logistic regression, fitted on one day and judged on a later one.

use super::settings;
use crate::retailer::Retailer;

const HORIZON_DAYS: i32 = 90;
const ACTIVE_DAYS: i32 = 365;
const FEATURES: usize = 7;

/// What happened to a customer: day numbers of orders and of returns, in order.
#[derive(Default, Clone)]
struct History {
    orders: Vec<i32>,
    returns: Vec<i32>,
}

struct Example {
    recency: f64,
    features: [f64; FEATURES],
    churned: bool,
}

fn histories(customers: u32, seed: u64) -> Vec<History> {
    let mut histories = vec![History::default(); customers as usize];
    for (number, day) in (0..).zip(Retailer::new(settings(customers, 730, seed))) {
        for order in day.orders {
            let history = &mut histories[order.customer as usize - 1];
            if order.is_return {
                &mut history.returns
            } else {
                &mut history.orders
            }
            .push(number);
        }
    }
    histories
}

/// The customers with an order in the year before `as_of`, and whether one follows within the horizon.
fn examples(histories: &[History], as_of: i32) -> Vec<Example> {
    histories
        .iter()
        .filter_map(|History { orders, returns }| {
            let count =
                |days: &[i32], from: i32, to: i32| days.iter().filter(|&&day| day >= from && day < to).count() as f64;
            let last = *orders.iter().rfind(|&&day| day < as_of)?;
            let in_year = count(orders, as_of - ACTIVE_DAYS, as_of);
            let first = *orders.iter().find(|&&day| day >= as_of - ACTIVE_DAYS && day < as_of)?;
            let recency = f64::from(as_of - last);
            let interval = (f64::from(last - first) + 30.0) / in_year;
            let lately = count(orders, as_of - 90, as_of);
            let before = count(orders, as_of - 180, as_of - 90);
            let features = [
                recency.ln(),
                in_year.ln(),
                (recency / interval).ln(),
                ((lately + 1.0) / (before + 1.0)).ln(),
                count(returns, as_of - 120, as_of),
                if in_year == 1.0 { 1.0 } else { 0.0 },
                recency / 100.0,
            ];
            Some(Example {
                recency,
                features,
                churned: count(orders, as_of, as_of + HORIZON_DAYS) == 0.0,
            })
        })
        .collect()
}

/// Mean and standard deviation of every feature.
fn scales(examples: &[Example]) -> [(f64, f64); FEATURES] {
    std::array::from_fn(|feature| {
        let values = || examples.iter().map(|example| example.features[feature]);
        let mean = values().sum::<f64>() / examples.len() as f64;
        let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / examples.len() as f64;
        (mean, variance.sqrt().max(1e-9))
    })
}

/// Logistic regression by gradient descent; gives the margin of an example.
fn fit(examples: &[Example]) -> impl Fn(&Example) -> f64 + use<> {
    let scales = scales(examples);
    let margin = move |weights: &[f64; FEATURES], bias: f64, example: &Example| {
        (0..FEATURES)
            .map(|f| weights[f] * (example.features[f] - scales[f].0) / scales[f].1)
            .sum::<f64>()
            + bias
    };
    let (mut weights, mut bias) = ([0.0; FEATURES], 0.0);
    for _ in 0..300 {
        let (mut slope, mut bias_slope) = ([0.0; FEATURES], 0.0);
        for example in examples {
            let error = f64::from(u8::from(example.churned)) - 1.0 / (1.0 + (-margin(&weights, bias, example)).exp());
            bias_slope += error / examples.len() as f64;
            for f in 0..FEATURES {
                slope[f] += error * (example.features[f] - scales[f].0) / scales[f].1 / examples.len() as f64;
            }
        }
        bias += bias_slope;
        (0..FEATURES).for_each(|f| weights[f] += slope[f]);
    }
    move |example| margin(&weights, bias, example)
}

/// Probability that a churned customer scores above a retained one; ties count half.
fn auc(examples: &[Example], score: impl Fn(&Example) -> f64) -> f64 {
    let scores = |churned| {
        examples
            .iter()
            .filter(move |example| example.churned == churned)
            .map(&score)
            .collect::<Vec<_>>()
    };
    let (churned, retained) = (scores(true), scores(false));
    let wins: f64 = churned
        .iter()
        .flat_map(|left| {
            retained.iter().map(move |right| {
                if left > right {
                    1.0
                } else if left == right {
                    0.5
                } else {
                    0.0
                }
            })
        })
        .sum();
    wins / (churned.len() * retained.len()) as f64
}

#[test]
fn churn_is_common_and_can_be_learnt_beyond_recency() {
    let histories = histories(3_000, 42);
    let model = fit(&examples(&histories, 550));
    let later = examples(&histories, 640);
    let base_rate = later.iter().filter(|example| example.churned).count() as f64 / later.len() as f64;
    let by_recency = auc(&later, |example| example.recency);
    let by_model = auc(&later, model);
    let without_returns = {
        let blind = |as_of| {
            let mut examples = examples(&histories, as_of);
            examples.iter_mut().for_each(|example| example.features[4] = 0.0);
            examples
        };
        auc(&blind(640), fit(&blind(550)))
    };
    println!(
        "{} eligible, base rate {base_rate:.3}, recency {by_recency:.3}, model {by_model:.3}, without returns {without_returns:.3}",
        later.len()
    );
    for f in 0..FEATURES { println!("f{f} alone {:.3}", auc(&later, |e| e.features[f])); }
    for (lo,hi) in [(0.,15.),(15.,30.),(30.,60.),(60.,90.),(90.,120.),(120.,180.),(180.,366.)] { let g: Vec<_> = later.iter().filter(|e| e.recency>=lo && e.recency<hi).collect(); println!("{lo} n {} churn {:.2}; with returns {:.2} n {}; slow {:.2}; fast {:.2}", g.len(), g.iter().filter(|e| e.churned).count() as f64/g.len() as f64, {let r: Vec<_>=g.iter().filter(|e| e.features[4]>0.0).collect(); r.iter().filter(|e| e.churned).count() as f64/r.len() as f64}, g.iter().filter(|e| e.features[4]>0.0).count(), {let r: Vec<_>=g.iter().filter(|e| e.features[2]<0.0).collect(); r.iter().filter(|e| e.churned).count() as f64/r.len() as f64}, {let r: Vec<_>=g.iter().filter(|e| e.features[2]>0.7).collect(); r.iter().filter(|e| e.churned).count() as f64/r.len() as f64}); }
    assert!((0.25..0.55).contains(&base_rate), "{base_rate} churned");
    assert!((0.79..0.89).contains(&by_model), "AUC {by_model}");
    assert!(
        by_model > by_recency + 0.03,
        "AUC {by_model}, by recency alone {by_recency}"
    );
    assert!(
        by_model > without_returns,
        "AUC {by_model}, without returns {without_returns}"
    );
}
