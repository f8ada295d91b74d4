//! The functions over a real context, against the model called directly.

mod spilling;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Array, AsArray, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::Float64Type;
use datafusion::prelude::SessionContext;
use mainstay_model::{Calibration, Condition, Ensemble, EnsembleParts, Feature, Link, Missing, Node, Tree};
use mainstay_schema::Digest;

use crate::{ModelCache, scalar_functions, uniform_hash};

/// Splits on `a` at 1 (missing goes left) and on `b` at 10 (missing goes right).
fn model() -> Ensemble {
    let stump = |feature, threshold, default_left, left, right| {
        let leaf = |value| Node::Leaf { value, cover: 10.0 };
        let split = Node::Split {
            feature,
            condition: Condition::Below(threshold),
            missing: Missing::Nan,
            default_left,
            left: 1,
            right: 2,
            cover: 20.0,
        };
        Tree::new(&[split, leaf(left), leaf(right)]).unwrap()
    };
    let reason = |name: &str, text: &str| Feature { reason: Some(text.into()), ..Feature::new(name) };
    Ensemble::new(EnsembleParts {
        features: vec![reason("a", "a of {value}"), reason("b", "b of {value}")],
        trees: vec![stump(0, 1.0, true, -1.0, 1.0), stump(1, 10.0, false, 0.5, -0.5)],
        bias: 0.25,
        link: Link::Logistic,
        calibration: Calibration::Platt { a: 1.5, b: 0.1 },
    })
    .unwrap()
}

fn values() -> [Vec<Option<f64>>; 2] {
    let a = (0..100).map(|row| (row % 7 != 0).then_some(f64::from(row % 3)));
    let b = (0..100).map(|row| (row % 5 != 0).then_some(f64::from(row % 20)));
    [a.collect(), b.collect()]
}

fn context(models: &ModelCache) -> SessionContext {
    let context = SessionContext::new();
    for function in scalar_functions(models) {
        context.register_udf(Arc::unwrap_or_clone(function));
    }
    let [a, b] = values();
    let ids: StringArray = (0..100).map(|row| Some(format!("customer {row}"))).collect();
    let rows = RecordBatch::try_from_iter([
        ("id", Arc::new(ids) as _),
        ("a", Arc::new(Float64Array::from(a)) as _),
        ("b", Arc::new(Float64Array::from(b)) as _),
    ]);
    context.register_batch("t", rows.unwrap()).unwrap();
    context
}

fn cached(model: Ensemble) -> (ModelCache, Digest) {
    let models = ModelCache::new(|digest| Box::pin(async move { Err(format!("no model {digest}").into()) }));
    let digest = model.digest();
    models.insert(digest, model);
    (models, digest)
}

async fn one_column(context: &SessionContext, sql: &str) -> Vec<arrow::array::ArrayRef> {
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    batches.iter().map(|batch| batch.column(0).clone()).collect()
}

async fn failure(context: &SessionContext, sql: &str) -> String {
    match context.sql(sql).await {
        Err(error) => error.to_string(),
        Ok(frame) => frame.collect().await.unwrap_err().to_string(),
    }
}

fn expected_raw_scores(model: &Ensemble) -> Vec<f64> {
    let [a, b] = values().map(|column| column.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect::<Vec<_>>());
    let mut raw = vec![0.0; a.len()];
    model.raw_scores(&[&a, &b], &mut raw).unwrap();
    raw
}

#[tokio::test(flavor = "multi_thread")]
async fn scores_are_those_of_the_model_bit_for_bit() {
    let (models, digest) = cached(model());
    let context = context(&models);
    let raw = expected_raw_scores(&model());
    for (function, expected) in
        [("raw_score", raw.clone()), ("predict", raw.iter().map(|raw| model().probability(*raw)).collect())]
    {
        let columns = one_column(&context, &format!("select {function}('{digest}', a, b) from t")).await;
        let found: Vec<f64> =
            columns.iter().flat_map(|column| column.as_primitive::<Float64Type>().values().to_vec()).collect();
        assert_eq!(found, expected, "{function}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reasons_are_in_order_and_worded() {
    let (models, digest) = cached(model());
    let context = context(&models);
    // Row 2 has a = 2 and b = 2: both raise the risk, a more than b.
    let sql = format!(
        "with explained as (select id, explain_score('{digest}', 2, a, b) as r from t)
         select r[1]['feature'] || ' | ' || r[1]['text'] || ' | ' || r[2]['text'] from explained where id = 'customer 2'"
    );
    let columns = one_column(&context, &sql).await;
    assert_eq!(columns[0].as_string::<i32>().value(0), "a | a of 2 | b of 2");
    let none = one_column(&context, &format!("select explain('{digest}', 0, a, b) from t")).await;
    assert!(none.iter().all(|column| column.as_list::<i32>().values().is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_loaded_once_by_a_blocking_function() {
    let loads = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&loads);
    let models = ModelCache::new(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        Box::pin(async {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            Ok(model())
        })
    });
    let context = context(&models);
    let digest = model().digest();
    for _ in 0..3 {
        one_column(&context, &format!("select predict('{digest}', a, b) from t")).await;
    }
    assert_eq!(loads.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn misuse_is_explained() {
    let (models, digest) = cached(model());
    let context = context(&models);
    for (sql, message) in [
        (format!("select predict('{digest}', a) from t"), "predict() got 1 features, the model has 2"),
        ("select predict('champion', a, b) from t".into(), "`champion` is not a digest"),
        ("select predict(id, a, b) from t".into(), "the first argument of predict() must be a literal digest"),
        (format!("select predict('{digest}') from t"), "takes a model digest and one argument a feature"),
        (format!("select explain('{digest}', -1, a, b) from t"), "explain() cannot give -1 reasons"),
        (format!("select explain('{digest}', 5, a, b) from t"), "5 reasons were asked for, at most 4 are given"),
        (format!("select predict('{}', a, b) from t", Digest::of(b"other")), "no model blake3:"),
        ("select uniform_hash(id, id) from t".into(), "must be a literal salt"),
    ] {
        let found = failure(&context, &sql).await;
        assert!(found.contains(message), "{sql}: {found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn draws_are_even_and_stay() {
    let (models, _) = cached(model());
    let context = context(&models);
    let columns =
        one_column(&context, "select uniform_hash('holdout-2025Q1', id) from t where id = 'customer 7'").await;
    assert_eq!(columns[0].as_primitive::<Float64Type>().value(0), uniform_hash("holdout-2025Q1", "customer 7"));
    // Pinned: were the draw to change, every holdout would be drawn anew.
    assert_eq!(uniform_hash("retention-2025Q1", "C0000001"), 0.25223600728609763);
    let draws: Vec<f64> = (0..20_000).map(|row| uniform_hash("salt", &row.to_string())).collect();
    for share in [0.05, 0.5, 0.9] {
        let below = draws.iter().filter(|draw| **draw < share).count() as f64 / draws.len() as f64;
        assert!((below - share).abs() < 0.012, "{share}: {below}");
    }
    assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
}
