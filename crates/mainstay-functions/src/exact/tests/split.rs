//! The same rows give the same bits, in whatever order and parts they come.

use std::slice;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use proptest::prelude::*;
use proptest::sample::Index;

use super::super::accumulators::Aggregation;
use super::super::{Rows, Statistic};
use super::any_float;

/// An aggregate of rows, whose columns are of one type.
#[derive(Debug, Clone, Copy)]
struct Case {
    statistic: Statistic,
    input: &'static DataType,
    is_distinct: bool,
}

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

/// Every statistic of floats, and those of integers and decimals; of all rows and of distinct ones.
fn cases() -> impl Iterator<Item = Case> {
    const DECIMAL: &DataType = &DataType::Decimal128(30, 2);
    let floats = STATISTICS.map(|statistic| (statistic, &DataType::Float64));
    let integers = [(Statistic::Sum, &DataType::Int64), (Statistic::Mean, &DataType::Int64), (Statistic::Sum, DECIMAL)];
    let all = floats.into_iter().chain(integers);
    all.flat_map(|(statistic, input)| [false, true].map(|is_distinct| Case { statistic, input, is_distinct }))
}

type Row = (Option<f64>, Option<f64>);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let value = || prop::option::weighted(0.9, any_float());
    prop::collection::vec((value(), value()), 0..40)
}

impl Case {
    fn aggregation(self) -> Box<dyn Aggregation> {
        self.aggregation_of(Rows::of_group(self.is_distinct))
    }

    fn aggregation_of(self, rows: Rows) -> Box<dyn Aggregation> {
        let output = match self.statistic {
            Statistic::Pairs => &DataType::UInt64,
            Statistic::Sum => self.input,
            _ => &DataType::Float64,
        };
        self.statistic.aggregation(self.input, output, rows).unwrap()
    }

    /// The rows as columns; as integers where the input is not one of floats, of at most 58 bits so that no sum is too large.
    fn columns(self, rows: &[Row]) -> Vec<ArrayRef> {
        if *self.input != DataType::Float64 {
            let integers = rows.iter().map(|(y, _)| y.map(|y| y.to_bits().cast_signed() >> 6));
            let integers: ArrayRef = Arc::new(integers.collect::<Int64Array>());
            return vec![cast(&integers, self.input).unwrap()];
        }
        let (y, x): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
        vec![Arc::new(Float64Array::from(y)), Arc::new(Float64Array::from(x))]
    }
}

/// The result in bits, so that NaN equals NaN and 0 does not equal -0.
fn bits(result: &datafusion::common::ScalarValue) -> String {
    match result {
        datafusion::common::ScalarValue::Float64(value) => format!("{:?}", value.map(f64::to_bits)),
        other => other.to_string(),
    }
}

fn at_once(case: Case, rows: &[Row]) -> String {
    let mut accumulator = case.aggregation().accumulator();
    accumulator.update_batch(&case.columns(rows)).unwrap();
    bits(&accumulator.evaluate().unwrap())
}

/// Each part by a partition of its own, whose states are merged.
fn in_parts(case: Case, parts: &[&[Row]]) -> String {
    let mut merged = case.aggregation().accumulator();
    for part in parts {
        let mut accumulator = case.aggregation().accumulator();
        part.chunks(3).for_each(|batch| accumulator.update_batch(&case.columns(batch)).unwrap());
        let states: Vec<ArrayRef> =
            accumulator.state().unwrap().iter().map(|state| state.to_array().unwrap()).collect();
        merged.merge_batch(&states).unwrap();
    }
    bits(&merged.evaluate().unwrap())
}

/// By the accumulator of groups, half of the rows as states of single rows.
fn in_a_group(case: Case, rows: &[Row]) -> String {
    let mut groups = case.aggregation().groups();
    let (direct, converted) = rows.split_at(rows.len() / 2);
    groups.update_batch(&case.columns(direct), &vec![1; direct.len()], None, 3).unwrap();
    let states = groups.convert_to_state(&case.columns(converted), None).unwrap();
    groups.merge_batch(&states, &vec![1; converted.len()], 3).unwrap();
    let states = groups.state(datafusion::logical_expr::EmitTo::All).unwrap();
    let mut merged = case.aggregation().groups();
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
        for case in cases() {
            let expected = at_once(case, &rows);
            prop_assert_eq!(&at_once(case, &shuffled), &expected, "{:?}", case);
            prop_assert_eq!(&in_parts(case, &[second, first]), &expected, "{:?}", case);
            prop_assert_eq!(&in_a_group(case, &shuffled), &expected, "{:?}", case);
        }
    }

    #[test]
    fn rows_that_leave_a_window_leave_no_trace(gone in rows(), left in rows()) {
        for case in cases() {
            if matches!(case.statistic, Statistic::Minimum | Statistic::Maximum) {
                continue;
            }
            let mut accumulator = case.aggregation_of(Rows::of_window(case.is_distinct)).accumulator();
            for part in [&gone, &left] {
                accumulator.update_batch(&case.columns(part)).unwrap();
            }
            accumulator.retract_batch(&case.columns(&gone)).unwrap();
            let expected = at_once(case, &left);
            prop_assert_eq!(&bits(&accumulator.evaluate().unwrap()), &expected, "{:?}", case);
        }
    }
}

#[test]
fn a_state_of_another_form_is_refused() {
    let case = Case { statistic: Statistic::Sum, input: &DataType::Float64, is_distinct: false };
    let mut accumulator = case.aggregation().accumulator();
    let states: ArrayRef = Arc::new(arrow::array::LargeBinaryArray::from_vec(vec![b"short"]));
    let error = accumulator.merge_batch(slice::from_ref(&states)).unwrap_err().strip_backtrace();
    assert!(error.contains("the state of an exact aggregate has another form than it was given"), "{error}");
}

#[test]
fn memory_is_counted_and_bounded() {
    let case = Case { statistic: Statistic::VarianceOfSample, input: &DataType::Float64, is_distinct: false };
    let mut groups = case.aggregation().groups();
    let wild: Vec<Row> = (0..2047_u64).map(|exponent| (Some(f64::from_bits(exponent << 52 | 1)), None)).collect();
    groups.update_batch(&case.columns(&wild), &vec![0; wild.len()], None, 1).unwrap();
    let after_all_exponents = groups.size();
    assert!((2_000..20_000).contains(&after_all_exponents), "{after_all_exponents}");
    groups.update_batch(&case.columns(&wild), &vec![0; wild.len()], None, 1).unwrap();
    assert_eq!(groups.size(), after_all_exponents);
}
