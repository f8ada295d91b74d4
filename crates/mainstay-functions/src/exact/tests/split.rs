//! The same rows give the same bits, in whatever order and parts they come.

use std::slice;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use proptest::prelude::*;
use proptest::sample::Index;

use super::super::Statistic;
use super::super::accumulators::Aggregation;
use super::any_float;

const STATISTICS: [Statistic; 20] = [
    Statistic::Sum,
    Statistic::Mean,
    Statistic::Minimum,
    Statistic::Maximum,
    Statistic::VarianceOfSample,
    Statistic::VarianceOfPopulation,
    Statistic::DeviationOfSample,
    Statistic::DeviationOfPopulation,
    Statistic::CovarianceOfSample,
    Statistic::CovarianceOfPopulation,
    Statistic::Correlation,
    Statistic::Slope,
    Statistic::Intercept,
    Statistic::Pairs,
    Statistic::Determination,
    Statistic::MeanX,
    Statistic::MeanY,
    Statistic::Sxx,
    Statistic::Syy,
    Statistic::Sxy,
];

type Row = (Option<f64>, Option<f64>);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let value = || prop::option::weighted(0.9, any_float());
    prop::collection::vec((value(), value()), 0..40)
}

fn aggregation(statistic: Statistic, is_distinct: bool) -> Box<dyn Aggregation> {
    let output = if statistic == Statistic::Pairs { DataType::UInt64 } else { DataType::Float64 };
    statistic.aggregation(&DataType::Float64, &output, is_distinct).unwrap()
}

fn columns(rows: &[Row]) -> Vec<ArrayRef> {
    let (y, x): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
    vec![Arc::new(Float64Array::from(y)), Arc::new(Float64Array::from(x))]
}

/// The result in bits, so that NaN equals NaN and 0 does not equal -0.
fn bits(result: &datafusion::common::ScalarValue) -> String {
    match result {
        datafusion::common::ScalarValue::Float64(value) => format!("{:?}", value.map(f64::to_bits)),
        other => other.to_string(),
    }
}

fn at_once(statistic: Statistic, is_distinct: bool, rows: &[Row]) -> String {
    let mut accumulator = aggregation(statistic, is_distinct).accumulator();
    accumulator.update_batch(&columns(rows)).unwrap();
    bits(&accumulator.evaluate().unwrap())
}

/// Each part by a partition of its own, whose states are merged.
fn in_parts(statistic: Statistic, is_distinct: bool, parts: &[&[Row]]) -> String {
    let mut merged = aggregation(statistic, is_distinct).accumulator();
    for part in parts {
        let mut accumulator = aggregation(statistic, is_distinct).accumulator();
        part.chunks(3).for_each(|batch| accumulator.update_batch(&columns(batch)).unwrap());
        let states: Vec<ArrayRef> =
            accumulator.state().unwrap().iter().map(|state| state.to_array().unwrap()).collect();
        merged.merge_batch(&states).unwrap();
    }
    bits(&merged.evaluate().unwrap())
}

/// By the accumulator of groups, half of the rows as states of single rows.
fn in_a_group(statistic: Statistic, is_distinct: bool, rows: &[Row]) -> String {
    let mut groups = aggregation(statistic, is_distinct).groups();
    let (direct, converted) = rows.split_at(rows.len() / 2);
    groups.update_batch(&columns(direct), &vec![1; direct.len()], None, 3).unwrap();
    let states = groups.convert_to_state(&columns(converted), None).unwrap();
    groups.merge_batch(&states, &vec![1; converted.len()], 3).unwrap();
    let states = groups.state(datafusion::logical_expr::EmitTo::All).unwrap();
    let mut merged = aggregation(statistic, is_distinct).groups();
    merged.merge_batch(&states, &[0, 1, 2], 3).unwrap();
    let results = merged.evaluate(datafusion::logical_expr::EmitTo::All).unwrap();
    assert_eq!(results.len(), 3);
    bits(&datafusion::common::ScalarValue::try_from_array(&results, 1).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn in_any_order_and_parts(
        (rows, shuffled) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        cut in any::<Index>(),
    ) {
        let cut = cut.index(rows.len() + 1);
        let (first, second) = shuffled.split_at(cut);
        for statistic in STATISTICS {
            for is_distinct in [false, true] {
                let expected = at_once(statistic, is_distinct, &rows);
                prop_assert_eq!(&at_once(statistic, is_distinct, &shuffled), &expected, "{:?}", statistic);
                prop_assert_eq!(&in_parts(statistic, is_distinct, &[second, first]), &expected, "{:?}", statistic);
                prop_assert_eq!(&in_a_group(statistic, is_distinct, &shuffled), &expected, "{:?}", statistic);
            }
        }
    }

    #[test]
    fn rows_that_leave_a_window_leave_no_trace(gone in rows(), left in rows()) {
        for statistic in STATISTICS {
            if matches!(statistic, Statistic::Minimum | Statistic::Maximum) {
                continue;
            }
            for is_distinct in [false, true] {
                let mut accumulator = aggregation(statistic, is_distinct).accumulator();
                for part in [&gone, &left] {
                    accumulator.update_batch(&columns(part)).unwrap();
                }
                accumulator.retract_batch(&columns(&gone)).unwrap();
                let expected = at_once(statistic, is_distinct, &left);
                prop_assert_eq!(&bits(&accumulator.evaluate().unwrap()), &expected, "{:?}", statistic);
            }
        }
    }
}

#[test]
fn a_state_of_another_form_is_refused() {
    let mut accumulator = aggregation(Statistic::Sum, false).accumulator();
    let states: ArrayRef = Arc::new(arrow::array::LargeBinaryArray::from_vec(vec![b"short"]));
    let error = accumulator.merge_batch(slice::from_ref(&states)).unwrap_err().strip_backtrace();
    assert!(error.contains("the state of an exact aggregate has another form than it was given"), "{error}");
}

#[test]
fn memory_is_counted_and_bounded() {
    let mut groups = aggregation(Statistic::VarianceOfSample, false).groups();
    let wild: Vec<Row> = (0..2047_u64).map(|exponent| (Some(f64::from_bits(exponent << 52 | 1)), None)).collect();
    groups.update_batch(&columns(&wild), &vec![0; wild.len()], None, 1).unwrap();
    let after_all_exponents = groups.size();
    assert!((2_000..20_000).contains(&after_all_exponents), "{after_all_exponents}");
    groups.update_batch(&columns(&wild), &vec![0; wild.len()], None, 1).unwrap();
    assert_eq!(groups.size(), after_all_exponents);
}
