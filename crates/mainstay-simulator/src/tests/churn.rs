//! Churn can be learnt, and not from recency alone: small boosted trees, fitted on past days and judged on a later one.

use super::settings;
use crate::retailer::Retailer;

const HORIZON_DAYS: i32 = 90;
const ACTIVE_DAYS: i32 = 365;
const RECENCY: usize = 0;
const RETURNS: usize = 1;
const FEATURES: usize = 10;

/// What happened to a customer: day numbers of orders, of those with a discount, and of returns, in order.
#[derive(Default, Clone)]
struct History {
    orders: Vec<i32>,
    discounted: Vec<i32>,
    returns: Vec<i32>,
}

#[derive(Clone)]
struct Example {
    features: [f64; FEATURES],
    churned: bool,
}

fn histories(customers: u32, seed: u64) -> Vec<History> {
    let mut histories = vec![History::default(); customers as usize];
    for (number, day) in (0..).zip(Retailer::new(settings(customers, 730, seed))) {
        for order in day.orders {
            let history = &mut histories[order.customer as usize - 1];
            if order.is_return {
                history.returns.push(number);
                continue;
            }
            history.orders.push(number);
            if order.discount.0 > 0 {
                history.discounted.push(number);
            }
        }
    }
    histories
}

/// The customers with an order in the year before `as_of`, and whether one follows within the horizon.
fn examples(histories: &[History], as_of: i32) -> Vec<Example> {
    histories.iter().filter_map(|history| example(history, as_of)).collect()
}

fn example(history: &History, as_of: i32) -> Option<Example> {
    // Days are counted backwards from `as_of`, the nearer end excluded.
    let count = |days: &[i32], from: i32, to: i32| {
        days.iter().filter(|&&day| day >= as_of - from && day < as_of - to).count() as f64
    };
    let orders = &history.orders;
    let in_year = count(orders, ACTIVE_DAYS, 0);
    let last = *orders.iter().rfind(|&&day| day < as_of)?;
    let first = *orders.iter().find(|&&day| day >= as_of - ACTIVE_DAYS)?;
    if in_year == 0.0 {
        return None;
    }
    let recency = f64::from(as_of - last);
    let interval = (f64::from(last - first) + 15.0) / in_year;
    let features = [
        recency,
        count(&history.returns, 90, 0),
        in_year,
        recency / interval,
        count(orders, 30, 0),
        count(orders, 90, 0),
        count(orders, 180, 90),
        count(orders, 365, 275),
        f64::from(as_of - first),
        count(&history.discounted, ACTIVE_DAYS, 0) / in_year,
    ];
    Some(Example { features, churned: count(orders, 0, -HORIZON_DAYS) == 0.0 })
}

/// A tree of splits at `feature < threshold`.
enum Tree {
    Leaf(f64),
    Split { feature: usize, threshold: f64, below: Box<Tree>, above: Box<Tree> },
}

/// A row of the training set with the gradient and curvature of its logistic loss.
#[derive(Clone, Copy)]
struct Row<'a> {
    features: &'a [f64; FEATURES],
    gradient: f64,
    curvature: f64,
}

impl Tree {
    fn fit(rows: &[Row<'_>], depth: usize) -> Self {
        let best = (depth > 0).then(|| best_split(rows)).flatten();
        let Some((feature, threshold)) = best else {
            let (gradient, curvature) = sums(rows);
            return Self::Leaf(gradient / (curvature + 5.0));
        };
        let (below, above): (Vec<Row<'_>>, Vec<Row<'_>>) =
            rows.iter().partition(|row| row.features[feature] < threshold);
        let [below, above] = [below, above].map(|side| Box::new(Self::fit(&side, depth - 1)));
        Self::Split { feature, threshold, below, above }
    }

    fn value(&self, features: &[f64; FEATURES]) -> f64 {
        match self {
            Self::Leaf(value) => *value,
            Self::Split { feature, threshold, below, above } => {
                if features[*feature] < *threshold { below } else { above }.value(features)
            }
        }
    }
}

fn sums(rows: &[Row<'_>]) -> (f64, f64) {
    rows.iter().fold((0.0, 0.0), |(gradient, curvature), row| (gradient + row.gradient, curvature + row.curvature))
}

/// The split with the greatest gain among a dozen quantiles of every feature (Chen and Guestrin 2016, equation 7).
fn best_split(rows: &[Row<'_>]) -> Option<(usize, f64)> {
    let gain = |(gradient, curvature): (f64, f64)| gradient * gradient / (curvature + 5.0);
    let all = sums(rows);
    let mut best = (gain(all) + 0.5, None);
    for feature in 0..FEATURES {
        let mut values: Vec<f64> = rows.iter().map(|row| row.features[feature]).collect();
        values.sort_by(f64::total_cmp);
        for step in 1..13 {
            let threshold = values[values.len() * step / 13];
            let below: Vec<Row<'_>> = rows.iter().filter(|row| row.features[feature] < threshold).copied().collect();
            let below = sums(&below);
            let total = gain(below) + gain((all.0 - below.0, all.1 - below.1));
            if total > best.0 {
                best = (total, Some((feature, threshold)));
            }
        }
    }
    best.1
}

/// Fifty boosted trees of depth three; gives the margin of an example.
fn fit(examples: &[Example]) -> impl Fn(&Example) -> f64 + use<> {
    let mut trees: Vec<Tree> = Vec::new();
    let mut margins = vec![0.0f64; examples.len()];
    for _ in 0..50 {
        let rows: Vec<Row<'_>> = examples
            .iter()
            .zip(&margins)
            .map(|(example, margin)| {
                let probability = 1.0 / (1.0 + (-margin).exp());
                let gradient = f64::from(u8::from(example.churned)) - probability;
                Row { features: &example.features, gradient, curvature: probability * (1.0 - probability) }
            })
            .collect();
        let tree = Tree::fit(&rows, 3);
        for (margin, example) in margins.iter_mut().zip(examples) {
            *margin += 0.15 * tree.value(&example.features);
        }
        trees.push(tree);
    }
    move |example| trees.iter().map(|tree| tree.value(&example.features)).sum()
}

/// Probability that a churned customer scores above a retained one; ties count half.
fn auc(examples: &[Example], score: impl Fn(&Example) -> f64) -> f64 {
    let scores =
        |churned| -> Vec<f64> { examples.iter().filter(|example| example.churned == churned).map(&score).collect() };
    let (churned, retained) = (scores(true), scores(false));
    let won = |left: f64, right: f64| f64::from(u8::from(left > right)) + 0.5 * f64::from(u8::from(left == right));
    let wins: f64 = churned.iter().flat_map(|&left| retained.iter().map(move |&right| won(left, right))).sum();
    wins / (churned.len() * retained.len()) as f64
}

#[test]
fn churn_is_common_and_can_be_learnt_beyond_recency() {
    let histories = histories(3_000, 42);
    let earlier: Vec<Example> = [490, 520, 550].iter().flat_map(|&as_of| examples(&histories, as_of)).collect();
    let later = examples(&histories, 640);
    let blind = |examples: &[Example], feature: usize| -> Vec<Example> {
        let mut examples = examples.to_vec();
        examples.iter_mut().for_each(|example| example.features[feature] = 0.0);
        examples
    };

    let base_rate = later.iter().filter(|example| example.churned).count() as f64 / later.len() as f64;
    let by_recency = auc(&later, |example| example.features[RECENCY]);
    let by_model = auc(&later, fit(&earlier));
    let without_returns = auc(&blind(&later, RETURNS), fit(&blind(&earlier, RETURNS)));
    assert!((0.25..0.55).contains(&base_rate), "{base_rate} churned");
    assert!((0.80..0.92).contains(&by_model), "AUC {by_model}");
    // Orders alone: visits, cases and contacts say more, and are not looked at here.
    assert!(by_model > by_recency + 0.01, "AUC {by_model}, by recency alone {by_recency}");
    assert!(by_model >= without_returns, "AUC {by_model}, without returns {without_returns}");
}
