//! Arguments that the functions share: the model literal and the feature columns.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::ColumnarValue;
use mainstay_model::Ensemble;
use mainstay_schema::Digest;

use crate::model_cache::ModelCache;

/// Types after coercion: `leading` as they are, all features as double precision.
pub(crate) fn coerce(function: &str, leading: &[DataType], given: &[DataType]) -> Result<Vec<DataType>> {
    if given.len() <= leading.len() {
        return plan_err!(
            "{function}() takes a model digest and one argument a feature of the model, in the model's order"
        );
    }
    let features = given.len() - leading.len();
    Ok(leading.iter().cloned().chain(std::iter::repeat_n(DataType::Float64, features)).collect())
}

/// The model that the first argument names.
pub(crate) fn model(function: &str, argument: Option<&ColumnarValue>, models: &ModelCache) -> Result<Arc<Ensemble>> {
    let Some(ColumnarValue::Scalar(ScalarValue::Utf8(Some(text)))) = argument else {
        return exec_err!("the first argument of {function}() must be a literal digest, like 'blake3:...'");
    };
    match text.parse::<Digest>() {
        Ok(digest) => models.get(digest),
        Err(error) => exec_err!("the first argument of {function}(): {error}"),
    }
}

/// Feature columns of one batch as slices, null as NaN.
pub(crate) struct FeatureColumns(Vec<Float64Array>);

impl FeatureColumns {
    pub(crate) fn new(function: &str, model: &Ensemble, arguments: &[ColumnarValue], rows: usize) -> Result<Self> {
        if arguments.len() != model.features().len() {
            return exec_err!(
                "{function}() got {} features, the model has {}: pass them all, in the model's order",
                arguments.len(),
                model.features().len()
            );
        }
        let columns = arguments.iter().map(|argument| {
            let array = argument.to_array(rows)?;
            Ok(array.as_primitive::<Float64Type>().clone())
        });
        Ok(Self(columns.collect::<Result<_>>()?))
    }

    pub(crate) fn values(&self) -> Vec<Cow<'_, [f64]>> {
        self.0.iter().map(nan_for_null).collect()
    }
}

fn nan_for_null(column: &Float64Array) -> Cow<'_, [f64]> {
    if column.null_count() == 0 {
        return Cow::Borrowed(column.values());
    }
    Cow::Owned(column.iter().map(|value| value.unwrap_or(f64::NAN)).collect())
}
