//! The score query over random populations: nobody vanishes, and nothing depends on the partitions.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{Decimal128Type, Float64Type, Int32Type};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use mainstay_functions::ModelCache;
use mainstay_model::{Calibration, Condition, Ensemble, EnsembleParts, Feature, Link, Missing, Node, Tree};
use mainstay_session::SessionSettings;
use proptest::prelude::*;

use super::*;

/// One customer of a random day.
#[derive(Debug, Clone)]
struct Customer {
    is_eligible: bool,
    features: [Option<f64>; 2],
    clv_cents: i64,
    expected_revenue_cents: i64,
    has_recent_plan: bool,
    /// Whether there is a row of the contact rules.
    has_rules: bool,
    days_since_last_contact: Option<i64>,
    /// Null where it is not known.
    open_cases: Option<i64>,
    /// What is recorded for `call` and `email`, for the purpose that counts and for another: granted, withdrawn or null.
    consents: [[Option<Option<bool>>; 2]; 2],
}

impl Customer {
    /// The channels that may be used, worked out apart from the query.
    fn channels(&self, default: ConsentDefault) -> Vec<&'static str> {
        let [recorded, _] = self.consents;
        let channels = ["call", "email"].into_iter().zip(recorded);
        let is_allowed = |consent: Option<Option<bool>>| match consent {
            Some(recorded) => recorded == Some(true),
            None => default == ConsentDefault::Allow,
        };
        channels.filter(|(_, consent)| is_allowed(*consent)).map(|(channel, _)| channel).collect()
    }

    /// The rules in force; none where the contact rules say nothing of the customer, so that the table refuses the row.
    fn blocked_by(&self, position: usize, default: ConsentDefault) -> Option<i32> {
        let is_in_cooldown = self.has_recent_plan || self.days_since_last_contact.is_some_and(|days| days < 30);
        let is_held_out = mainstay_functions::uniform_hash(SALT, &id(position)) < 0.05;
        let rules = [is_in_cooldown, self.channels(default).is_empty(), is_held_out, self.open_cases != Some(0)];
        let bits = rules.into_iter().zip([1, 2, 4, 8]).filter(|(applies, _)| *applies).map(|(_, bit)| bit).sum();
        self.has_rules.then_some(bits)
    }
}

const SALT: &str = "retention-2025Q1";

/// Amounts of every size that the table can hold, and some below 0, as a project's own value model may give them.
fn cents() -> impl Strategy<Value = i64> {
    const MOST: i64 = 999_999_999_999_999_999;
    prop_oneof![6 => 0..500_000i64, 1 => -500_000..0i64, 1 => 0..=MOST, 1 => prop::sample::select(vec![0, 24_999, 25_000, 100_000, MOST])]
}

fn customer() -> impl Strategy<Value = Customer> {
    let feature = || {
        prop_oneof![
            6 => (-5.0..25.0).prop_map(Some),
            1 => Just(None),
            1 => Just(Some(f64::NAN)),
            1 => Just(Some(f64::INFINITY)),
        ]
    };
    let rules = (
        any::<bool>(),
        prop_oneof![9 => Just(true), 1 => Just(false)],
        prop::option::of(0..60i64),
        prop_oneof![3 => Just(Some(0)), 1 => (1..4i64).prop_map(Some), 1 => Just(None)],
        any::<[[Option<Option<bool>>; 2]; 2]>(),
    );
    (any::<bool>(), [feature(), feature()], cents(), cents(), rules).prop_map(
        |(is_eligible, features, clv_cents, expected_revenue_cents, rules)| {
            let (has_recent_plan, has_rules, days_since_last_contact, open_cases, consents) = rules;
            Customer {
                is_eligible,
                features,
                clv_cents,
                expected_revenue_cents,
                has_recent_plan,
                has_rules,
                days_since_last_contact,
                open_cases,
                consents,
            }
        },
    )
}

fn model() -> Ensemble {
    let stump = |feature, threshold| {
        let leaf = |value| Node::Leaf { value, cover: 5.0 };
        let split = Node::Split {
            feature,
            condition: Condition::Below(threshold),
            missing: Missing::Nan,
            default_left: true,
            left: 1,
            right: 2,
            cover: 10.0,
        };
        Tree::new(&[split, leaf(-1.5), leaf(2.0)]).unwrap()
    };
    Ensemble::new(EnsembleParts {
        features: vec![Feature::new("recency"), Feature::new("it's \"odd\"")],
        trees: vec![stump(0, 10.0), stump(1, 3.0)],
        bias: 0.1,
        link: Link::Logistic,
        calibration: Calibration::Identity,
    })
    .unwrap()
}

fn policy() -> Policy {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../jobs/policies/retention.yml");
    Policy::parse(file, &std::fs::read_to_string(file).unwrap()).unwrap()
}

fn id(position: usize) -> String {
    format!("customer {position}")
}

fn register(session: &SessionContext, name: &str, columns: Vec<(&str, ArrayRef)>, partitions: usize) {
    let rows = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)));
    let rows = rows.unwrap();
    let size = rows.num_rows().div_ceil(partitions).max(1);
    let starts = (0..rows.num_rows().max(1)).step_by(size);
    let split = starts.map(|start| vec![rows.slice(start, size.min(rows.num_rows() - start))]);
    let table = MemTable::try_new(rows.schema(), split.collect()).unwrap();
    session.register_table(name, Arc::new(table)).unwrap();
}

fn text(values: impl Iterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

/// What is recorded of all customers, a row a customer, channel and purpose; a channel that is not in the catalogue among them.
fn consents(customers: &[Customer]) -> Vec<(&'static str, ArrayRef)> {
    let mut rows: Vec<(String, &str, &str, Option<bool>)> = Vec::new();
    for (position, customer) in customers.iter().enumerate() {
        for (purpose, recorded) in ["marketing", "profiling"].into_iter().zip(customer.consents) {
            let channels = ["call", "email"].into_iter().zip(recorded);
            rows.extend(
                channels.filter_map(|(channel, is_granted)| Some((id(position), channel, purpose, is_granted?))),
            );
        }
        rows.push((id(position), "sms", "marketing", Some(position % 2 == 0)));
    }
    vec![
        ("customer_id", text(rows.iter().map(|row| Some(row.0.clone())))),
        ("channel", text(rows.iter().map(|row| Some(row.1.to_owned())))),
        ("purpose", text(rows.iter().map(|row| Some(row.2.to_owned())))),
        ("is_granted", Arc::new(rows.iter().map(|row| row.3).collect::<BooleanArray>())),
    ]
}

/// The risk rows of a day, sorted by customer.
async fn score(
    customers: &[Customer],
    consent_default: ConsentDefault,
    partitions: usize,
    reasons: usize,
) -> RecordBatch {
    let model = model();
    let digest = model.digest();
    let models = ModelCache::new(|digest| Box::pin(async move { Err(format!("no model {digest}").into()) }));
    let features: Vec<String> = model.features().iter().map(|feature| feature.name.clone()).collect();
    models.insert(digest, model);
    let settings = SessionSettings { partitions, batch_size: 7, memory_limit_bytes: None };
    let session = mainstay_session::build(&settings, &models).unwrap();

    let ids = || (0..customers.len()).map(|position| Some(id(position)));
    let status = |customer: &Customer| if customer.is_eligible { "eligible" } else { "ineligible" };
    let reason = |customer: &Customer| (!customer.is_eligible).then(|| "lapsed".to_owned());
    let feature = |index: usize| -> ArrayRef {
        Arc::new(customers.iter().map(|customer| customer.features[index]).collect::<Float64Array>())
    };
    let staged = vec![
        ("customer_id", text(ids())),
        ("status", text(customers.iter().map(|customer| Some(status(customer).to_owned())))),
        ("status_reason", text(customers.iter().map(reason))),
        (features[0].as_str(), feature(0)),
        (features[1].as_str(), feature(1)),
    ];
    register(&session, "staged_features", staged, partitions);
    let cents =
        |value: fn(&Customer) -> i64| -> ArrayRef { Arc::new(customers.iter().map(value).collect::<Int64Array>()) };
    let value = vec![
        ("customer_id", text(ids())),
        ("clv_cents", cents(|customer| customer.clv_cents)),
        ("expected_revenue_cents", cents(|customer| customer.expected_revenue_cents)),
    ];
    register(&session, "customer_value", value, partitions);
    let planned = (0..customers.len()).filter(|position| customers[*position].has_recent_plan);
    register(&session, "recent_plans", vec![("customer_id", text(planned.map(|position| Some(id(position)))))], 1);
    let with_rules = || customers.iter().enumerate().filter(|(_, customer)| customer.has_rules);
    let number = |value: fn(&Customer) -> Option<i64>| -> ArrayRef {
        Arc::new(with_rules().map(|(_, customer)| value(customer)).collect::<Int64Array>())
    };
    let contact_rules = vec![
        ("customer_id", text(with_rules().map(|(position, _)| Some(id(position))))),
        ("open_cases", number(|customer| customer.open_cases)),
        ("days_since_last_contact", number(|customer| customer.days_since_last_contact)),
    ];
    register(&session, "contact_rules", contact_rules, partitions);
    register(&session, "customer_consents", consents(customers), partitions);

    let query = ScoreQuery {
        model_digest: digest.to_string(),
        model_name: "churn",
        model_version: "1",
        run_id: "run",
        features: &features,
        reasons,
        policy: &policy(),
        holdout: Some(PinnedHoldout { salt: SALT.to_owned(), share: 0.05 }),
        is_approved: true,
        consent_default,
    };
    let sorted = session.sql(&query.sql()).await.unwrap().sort_by(vec![datafusion::prelude::col("customer_id")]);
    let batches = sorted.unwrap().collect().await.unwrap();
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

fn check(customers: &[Customer], consent_default: ConsentDefault, risk: &RecordBatch) {
    let column = |name: &str| risk.column_by_name(name).unwrap();
    let (ids, statuses) = (column("customer_id").as_string::<i32>(), column("status").as_string::<i32>());
    assert_eq!(risk.num_rows(), customers.len(), "a customer vanished or stands twice");
    let probabilities = column("churn_probability").as_primitive::<Float64Type>();
    let at_risk = column("revenue_at_risk_amount").as_primitive::<Decimal128Type>();
    let clv = column("clv_amount").as_primitive::<Decimal128Type>();
    let blocked = column("blocked_by").as_primitive::<Int32Type>();
    let channels = column("allowed_channels").as_string::<i32>();
    let (bands, tiers) = (column("risk_band").as_string::<i32>(), column("value_tier").as_string::<i32>());
    let segments = column("segment").as_string::<i32>();
    for row in 0..risk.num_rows() {
        let position: usize = ids.value(row).trim_start_matches("customer ").parse().unwrap();
        let customer = &customers[position];
        let is_infinite = customer.features.iter().flatten().any(|value| value.is_infinite());
        let expected = match (customer.is_eligible, is_infinite) {
            (false, _) => "ineligible",
            (true, true) => "refused",
            (true, false) => "scored",
        };
        assert_eq!(statuses.value(row), expected, "{customer:?}");
        let probability = probabilities.iter().nth(row).flatten();
        assert_eq!(probability.is_some(), expected == "scored");
        assert_eq!(clv.value(row), i128::from(customer.clv_cents));
        assert_eq!(tiers.value(row), policy().value_tier(Cents(customer.clv_cents)));
        if let Some(probability) = probability {
            let revenue = customer.expected_revenue_cents;
            assert_eq!(at_risk.value(row), i128::from(Cents(revenue).share(probability).0));
            let (band, tier) = (policy().risk_band(probability).to_owned(), tiers.value(row));
            assert_eq!(bands.value(row), band);
            assert_eq!(segments.value(row), format!("{band}/{tier}"));
        }
        let blocked_by = blocked.is_valid(row).then(|| blocked.value(row));
        assert_eq!(blocked_by, customer.blocked_by(position, consent_default), "{customer:?}");
        let allowed = channels.is_valid(row).then(|| channels.value(row).split(',').collect::<Vec<_>>());
        let expected = (expected == "scored").then(|| customer.channels(consent_default));
        assert_eq!(allowed, expected.filter(|channels| !channels.is_empty()), "{customer:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn nobody_vanishes_and_partitions_do_not_matter(
        customers in prop::collection::vec(customer(), 1..60),
        is_allowed_by_default in any::<bool>(),
    ) {
        let consent_default = if is_allowed_by_default { ConsentDefault::Allow } else { ConsentDefault::Deny };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(16 << 20).build().unwrap();
        let worker = std::thread::Builder::new().stack_size(16 << 20).spawn(move || {
            runtime.block_on(async {
                let risk = score(&customers, consent_default, 1, 2).await;
                check(&customers, consent_default, &risk);
                for partitions in [2, 5] {
                    assert_eq!(score(&customers, consent_default, partitions, 2).await, risk, "{partitions} partitions");
                }
                let names = risk.schema();
                let others: Vec<usize> =
                    (0..risk.num_columns()).filter(|at| !names.field(*at).name().starts_with("reason_")).collect();
                let without_reasons = score(&customers, consent_default, 2, 0).await;
                assert_eq!(without_reasons.columns(), risk.project(&others).unwrap().columns());
            });
        });
        prop_assert!(worker.unwrap().join().is_ok());
    }
}
