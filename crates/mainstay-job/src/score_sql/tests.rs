//! The score query over random populations: nobody vanishes, and nothing depends on the partitions.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{Decimal128Type, Float64Type, Int32Type};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use mainstay_functions::ModelCache;
use mainstay_model::{Calibration, Ensemble, EnsembleParts, Feature, Node, Tree};
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
    is_in_cooldown: bool,
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
    (any::<bool>(), [feature(), feature()], 0..500_000i64, 0..1_000_000i64, any::<bool>()).prop_map(
        |(is_eligible, features, clv_cents, expected_revenue_cents, is_in_cooldown)| Customer {
            is_eligible,
            features,
            clv_cents,
            expected_revenue_cents,
            is_in_cooldown,
        },
    )
}

fn model() -> Ensemble {
    let stump = |feature, threshold| {
        let leaf = |value| Node::Leaf { value, cover: 5.0 };
        let split = Node::Split { feature, threshold, default_left: true, left: 1, right: 2, cover: 10.0 };
        Tree::new(&[split, leaf(-1.5), leaf(2.0)]).unwrap()
    };
    Ensemble::new(EnsembleParts {
        features: vec![Feature::new("recency"), Feature::new("it's \"odd\"")],
        trees: vec![stump(0, 10.0), stump(1, 3.0)],
        bias: 0.1,
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

/// The risk rows of a day, sorted by customer.
async fn score(customers: &[Customer], partitions: usize) -> RecordBatch {
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
    let cooldown = (0..customers.len()).filter(|position| customers[*position].is_in_cooldown);
    register(&session, "recent_contacts", vec![("customer_id", text(cooldown.map(|position| Some(id(position)))))], 1);

    let query = ScoreQuery {
        model_digest: digest.to_string(),
        model_name: "churn",
        model_version: "1",
        run_id: "run",
        features: &features,
        reasons: 2,
        policy: &policy(),
        holdout_salt: Some("retention-2025Q1".to_owned()),
        is_consent_assumed: true,
    };
    let sorted = session.sql(&query.sql()).await.unwrap().sort_by(vec![datafusion::prelude::col("customer_id")]);
    let batches = sorted.unwrap().collect().await.unwrap();
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

fn check(customers: &[Customer], risk: &RecordBatch) {
    let column = |name: &str| risk.column_by_name(name).unwrap();
    let (ids, statuses) = (column("customer_id").as_string::<i32>(), column("status").as_string::<i32>());
    assert_eq!(risk.num_rows(), customers.len(), "a customer vanished or stands twice");
    let probabilities = column("churn_probability").as_primitive::<Float64Type>();
    let at_risk = column("revenue_at_risk_amount").as_primitive::<Decimal128Type>();
    let clv = column("clv_amount").as_primitive::<Decimal128Type>();
    let blocked = column("blocked_by").as_primitive::<Int32Type>();
    let bands = column("risk_band").as_string::<i32>();
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
        if let Some(probability) = probability {
            let revenue = customer.expected_revenue_cents;
            assert_eq!(at_risk.value(row), i128::from(mainstay_schema::Cents(revenue).share(probability).0));
            assert_eq!(bands.value(row), policy().risk_band(probability));
        }
        assert_eq!(BlockedBy(blocked.value(row)).contains(BlockedBy::COOLDOWN), customer.is_in_cooldown);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn nobody_vanishes_and_partitions_do_not_matter(customers in prop::collection::vec(customer(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(16 << 20).build().unwrap();
        let worker = std::thread::Builder::new().stack_size(16 << 20).spawn(move || {
            runtime.block_on(async {
                let risk = score(&customers, 1).await;
                check(&customers, &risk);
                for partitions in [2, 5] {
                    assert_eq!(score(&customers, partitions).await, risk, "{partitions} partitions");
                }
            });
        });
        prop_assert!(worker.unwrap().join().is_ok());
    }
}
