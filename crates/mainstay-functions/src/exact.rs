//! Aggregates whose result does not depend on the order of the rows.
//!
//! The built-in aggregates of floats round at every step, so that a sum differs with the number of partitions, the size of a batch
//! and the order in which partial sums arrive. Those of this module take their place by name. They add up exactly and round once,
//! at the end, to the nearest float:
//!
//! - a NaN makes the result NaN; so do infinities of both signs, and for second moments any infinity;
//! - a result beyond the largest float is infinite, one that only a partial sum exceeds is not; a result of 0 is never -0;
//! - nulls are passed over, and a row counts for two columns if neither is null; without rows the result is null;
//! - `distinct`, `filter`, sliding windows and spilling work for all of them, and give what the rows alone determine.
//!
//! Integers and decimals are summed in as many bits as 2^64 of them take: a result that its type cannot hold is an error, never
//! a wrong number. Where a built-in aggregate is exact already (mean of decimals, sums of durations and intervals, extremes of
//! all but floats) it does the work. Signatures and types are the built-in ones throughout, but that the mean of integers does
//! not round them to floats first.

mod accumulators;
mod dyadic;
mod exact_sum;
mod extremes;
mod float_sum;
mod integer_sum;
mod moments;
mod tally;
mod text_extremes;

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, PrimitiveArray, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Decimal32Type, Decimal64Type, Decimal128Type, Field, FieldRef, Int64Type, UInt64Type,
};
use datafusion::common::ScalarValue;
use datafusion::common::types::{
    LogicalTypeRef, logical_float64, logical_int8, logical_int16, logical_int32, logical_int64, logical_uint8,
    logical_uint16, logical_uint32, logical_uint64,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions_aggregate::{average, correlation, covariance, min_max, regr, stddev, sum, variance};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Coercion, Documentation, GroupsAccumulator, ReversedUDAF,
    SetMonotonicity, Signature, StatisticsArgs, TypeSignature, TypeSignatureClass, Volatility,
};

use accumulators::{Aggregation, Finish, aggregation};
use extremes::Extremes;
use float_sum::FloatSum;
use integer_sum::{Integer, IntegerSum, NarrowSum, TooLarge, is_narrow};
use moments::{Joint, Spread};
use tally::Tally;
use text_extremes::TextExtremes;

/// The exact aggregates.
pub(crate) fn aggregate_functions() -> Vec<Arc<AggregateUDF>> {
    use Statistic::*;
    let replaced = [
        (sum::sum_udaf(), Sum),
        (average::avg_udaf(), Mean),
        (min_max::min_udaf(), Minimum),
        (min_max::max_udaf(), Maximum),
        (variance::var_samp_udaf(), VarianceOfSample),
        (variance::var_pop_udaf(), VarianceOfPopulation),
        (stddev::stddev_udaf(), DeviationOfSample),
        (stddev::stddev_pop_udaf(), DeviationOfPopulation),
        (covariance::covar_samp_udaf(), CovarianceOfSample),
        (covariance::covar_pop_udaf(), CovarianceOfPopulation),
        (correlation::corr_udaf(), Correlation),
        (regr::regr_slope_udaf(), Slope),
        (regr::regr_intercept_udaf(), Intercept),
        (regr::regr_count_udaf(), Pairs),
        (regr::regr_r2_udaf(), Determination),
        (regr::regr_avgx_udaf(), MeanX),
        (regr::regr_avgy_udaf(), MeanY),
        (regr::regr_sxx_udaf(), Sxx),
        (regr::regr_syy_udaf(), Syy),
        (regr::regr_sxy_udaf(), Sxy),
    ];
    replaced.map(|(builtin, statistic)| Arc::new(AggregateUDF::from(Exact::new(builtin, statistic)))).into()
}

/// Which rows of a group count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    All,
    Distinct,
    /// Those within a window, which they enter and leave.
    Sliding,
}

impl Rows {
    fn of_group(is_distinct: bool) -> Self {
        if is_distinct { Self::Distinct } else { Self::All }
    }

    fn of_window(is_distinct: bool) -> Self {
        if is_distinct { Self::Distinct } else { Self::Sliding }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Statistic {
    Sum,
    Mean,
    Minimum,
    Maximum,
    VarianceOfSample,
    VarianceOfPopulation,
    DeviationOfSample,
    DeviationOfPopulation,
    CovarianceOfSample,
    CovarianceOfPopulation,
    Correlation,
    Slope,
    Intercept,
    Pairs,
    Determination,
    MeanX,
    MeanY,
    Sxx,
    Syy,
    Sxy,
}

impl Statistic {
    /// How it is worked out exactly; `None` where the built-in aggregate is exact.
    fn aggregation(self, input: &DataType, output: &DataType, rows: Rows) -> Option<Box<dyn Aggregation>> {
        let is_distinct = rows == Rows::Distinct;
        let of_values = |result| Some(aggregation(floats::<FloatSum>(result), is_distinct));
        let of_spread = |result| Some(aggregation(floats::<Spread>(result), is_distinct));
        let of_pairs = |result| Some(aggregation(floats::<Joint>(result), is_distinct));
        match (self, input) {
            (Self::Sum, DataType::Float64) => of_values(FloatSum::sum),
            (Self::Sum, DataType::Int64) => Some(sum_of::<Int64Type>(input, output, rows)),
            (Self::Sum, DataType::UInt64) => Some(sum_of::<UInt64Type>(input, output, rows)),
            (Self::Sum, DataType::Decimal32(..)) => Some(sum_of::<Decimal32Type>(input, output, rows)),
            (Self::Sum, DataType::Decimal64(..)) => Some(sum_of::<Decimal64Type>(input, output, rows)),
            (Self::Sum, DataType::Decimal128(..)) => Some(sum_of::<Decimal128Type>(input, output, rows)),
            (Self::Mean, DataType::Float64) => of_values(FloatSum::mean),
            (Self::Mean, DataType::Int64) => Some(mean_of::<Int64Type>(is_distinct)),
            (Self::Mean, DataType::UInt64) => Some(mean_of::<UInt64Type>(is_distinct)),
            (Self::Minimum, input) if input.is_floating() => Some(extreme(Extremes::least, output)),
            (Self::Maximum, input) if input.is_floating() => Some(extreme(Extremes::greatest, output)),
            (Self::Sum | Self::Mean | Self::Minimum | Self::Maximum, _) => None,
            (Self::VarianceOfSample, _) => of_spread(Spread::variance_of_sample),
            (Self::VarianceOfPopulation, _) => of_spread(Spread::variance_of_population),
            (Self::DeviationOfSample, _) => of_spread(Spread::deviation_of_sample),
            (Self::DeviationOfPopulation, _) => of_spread(Spread::deviation_of_population),
            (Self::CovarianceOfSample, _) => of_pairs(Joint::covariance_of_sample),
            (Self::CovarianceOfPopulation, _) => of_pairs(Joint::covariance_of_population),
            (Self::Correlation, _) => of_pairs(Joint::correlation),
            (Self::Slope, _) => of_pairs(Joint::slope),
            (Self::Intercept, _) => of_pairs(Joint::intercept),
            (Self::Determination, _) => of_pairs(Joint::determination),
            (Self::MeanX, _) => of_pairs(Joint::mean_x),
            (Self::MeanY, _) => of_pairs(Joint::mean_y),
            (Self::Sxx, _) => of_pairs(Joint::sxx),
            (Self::Syy, _) => of_pairs(Joint::syy),
            (Self::Sxy, _) => of_pairs(Joint::sxy),
            (Self::Pairs, _) => Some(aggregation(pairs(), is_distinct)),
        }
    }
}

fn floats<T: Tally>(result: fn(&T) -> Option<f64>) -> Finish<T> {
    Arc::new(move |tallies| Ok(Arc::new(tallies.iter().map(result).collect::<Float64Array>()) as ArrayRef))
}

/// A value that stands twice is as great as one that stands once.
fn extreme(result: fn(&Extremes) -> Option<f64>, output: &DataType) -> Box<dyn Aggregation> {
    let (floats, output) = (floats(result), output.clone());
    aggregation(Arc::new(move |tallies: &[Extremes]| Ok(cast(&floats(tallies)?, &output)?)), false)
}

fn pairs() -> Finish<Joint> {
    Arc::new(
        |tallies| Ok(Arc::new(tallies.iter().map(|tally| Some(tally.rows())).collect::<UInt64Array>()) as ArrayRef),
    )
}

fn mean_of<T: Integer>(is_distinct: bool) -> Box<dyn Aggregation> {
    aggregation(floats(IntegerSum::<T>::mean), is_distinct)
}

fn sum_of<T: Integer>(input: &DataType, output: &DataType, rows: Rows) -> Box<dyn Aggregation> {
    match rows {
        Rows::All if is_narrow(input) => aggregation(sums::<T, _>(NarrowSum::<T>::total, output), false),
        _ => aggregation(sums::<T, _>(IntegerSum::<T>::total, output), rows == Rows::Distinct),
    }
}

fn sums<T: Integer, S: Tally>(total: fn(&S) -> Result<Option<i128>, TooLarge>, output: &DataType) -> Finish<S> {
    let output = output.clone();
    Arc::new(move |tallies| {
        let narrowed = |tally| total(tally).transpose().map(|sum| narrow(sum, &output)).transpose();
        let sums: Vec<Option<T::Native>> = tallies.iter().map(narrowed).collect::<Result<_>>()?;
        Ok(Arc::new(PrimitiveArray::<T>::from_iter(sums).with_data_type(output.clone())) as ArrayRef)
    })
}

/// The sum in the type of the result, or what to do if it does not fit.
fn narrow<N: TryFrom<i128>>(sum: Result<i128, TooLarge>, output: &DataType) -> Result<N> {
    let digits = match *output {
        DataType::Decimal32(precision, _) | DataType::Decimal64(precision, _) | DataType::Decimal128(precision, _) => {
            Some(u32::from(precision))
        }
        _ => None,
    };
    let fits = |sum: &i128| digits.is_none_or(|digits| sum.unsigned_abs() < 10_u128.pow(digits));
    sum.ok().filter(fits).and_then(|sum| N::try_from(sum).ok()).ok_or_else(|| {
        let advice = if digits.is_some() { "a decimal of a smaller scale" } else { "decimal(28, 0)" };
        DataFusionError::Execution(format!("sum() is too large for {output}: cast what is summed to {advice}"))
    })
}

/// The types of the built-in mean, but that integers are widened as for the built-in sum.
fn signature_of_mean() -> Signature {
    let native = |to: &LogicalTypeRef| TypeSignatureClass::Native(Arc::clone(to));
    let exact = |class| TypeSignature::Coercible(vec![Coercion::new_exact(class)]);
    let widened = |to: &LogicalTypeRef, from: Vec<_>| {
        let coercion = Coercion::new_implicit(native(to), from, to.native().clone());
        TypeSignature::Coercible(vec![coercion])
    };
    let unsigned = [logical_uint8(), logical_uint16(), logical_uint32()];
    let signed = [logical_int8(), logical_int16(), logical_int32()];
    let types = vec![
        exact(TypeSignatureClass::Decimal),
        exact(TypeSignatureClass::Duration),
        widened(&logical_uint64(), unsigned.iter().map(native).collect()),
        widened(&logical_int64(), signed.iter().map(native).collect()),
        widened(&logical_float64(), vec![TypeSignatureClass::Float]),
    ];
    Signature::one_of(types, Volatility::Immutable)
}

/// An exact aggregate in the place of a built-in one, whose name and types it has.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Exact {
    builtin: Arc<AggregateUDF>,
    statistic: Statistic,
    signature: Signature,
}

impl Exact {
    fn new(builtin: Arc<AggregateUDF>, statistic: Statistic) -> Self {
        let signature = match statistic {
            Statistic::Mean => signature_of_mean(),
            _ => builtin.signature().clone(),
        };
        Self { builtin, statistic, signature }
    }

    fn is_extreme(&self) -> bool {
        matches!(self.statistic, Statistic::Minimum | Statistic::Maximum)
    }

    fn aggregation(&self, args: &AccumulatorArgs) -> Option<Box<dyn Aggregation>> {
        self.aggregation_of(Rows::of_group(args.is_distinct), args)
    }

    fn aggregation_of(&self, rows: Rows, args: &AccumulatorArgs) -> Option<Box<dyn Aggregation>> {
        self.statistic.aggregation(args.expr_fields[0].data_type(), args.return_field.data_type(), rows)
    }
}

impl AggregateUDFImpl for Exact {
    fn name(&self) -> &str {
        self.builtin.name()
    }

    fn aliases(&self) -> &[String] {
        self.builtin.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.builtin.return_type(arg_types)
    }

    fn is_nullable(&self) -> bool {
        self.builtin.is_nullable()
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.builtin.default_value(data_type)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let (input, output) = (args.input_fields[0].data_type(), args.return_field.data_type());
        match self.statistic.aggregation(input, output, Rows::of_group(args.is_distinct)) {
            Some(aggregation) => {
                let name = format_state_name(args.name, "tally");
                Ok(vec![Arc::new(Field::new(name, aggregation.state_type(), true))])
            }
            None => self.builtin.state_fields(args),
        }
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match self.aggregation(&args) {
            Some(aggregation) => Ok(aggregation.accumulator()),
            None => self.builtin.accumulator(args),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match self.aggregation_of(Rows::of_window(args.is_distinct), &args) {
            // A row that goes may have been the extreme: that needs the other rows of the window.
            Some(aggregation) if !self.is_extreme() => Ok(aggregation.accumulator()),
            _ => self.builtin.create_sliding_accumulator(args),
        }
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.aggregation(&args).is_some() || self.builtin.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        match self.aggregation(&args) {
            Some(aggregation) => Ok(aggregation.groups()),
            None if self.is_extreme() && *args.return_field.data_type() == DataType::Utf8View => {
                Ok(Box::new(TextExtremes::new(self.statistic == Statistic::Maximum)))
            }
            None => self.builtin.create_groups_accumulator(args),
        }
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.builtin.coerce_types(arg_types)
    }

    fn is_descending(&self) -> Option<bool> {
        self.builtin.is_descending()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.builtin.inner().set_monotonicity(data_type)
    }

    fn value_from_stats(&self, args: &StatisticsArgs) -> Option<ScalarValue> {
        // The statistics of a file pass over NaN.
        (self.is_extreme() && !args.return_type.is_floating()).then(|| self.builtin.value_from_stats(args)).flatten()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.builtin.documentation()
    }
}

#[cfg(test)]
mod tests;
