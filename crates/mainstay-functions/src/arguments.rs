//! Arguments that the functions share: the model literal and the feature columns.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::ColumnarValue;
use mainstay_model::{Bits, Column, Ensemble, ModelError};
use mainstay_schema::Digest;

use crate::model_cache::{CachedModel, ModelCache};

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
pub(crate) fn model(function: &str, argument: Option<&ColumnarValue>, models: &ModelCache) -> Result<Arc<CachedModel>> {
    let Some(ColumnarValue::Scalar(ScalarValue::Utf8(Some(text)))) = argument else {
        return exec_err!("the first argument of {function}() must be a literal digest, like 'blake3:...'");
    };
    match text.parse::<Digest>() {
        Ok(digest) => models.get(digest),
        Err(error) => exec_err!("the first argument of {function}(): {error}"),
    }
}

/// Feature columns of one batch.
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

    /// As they are.
    pub(crate) fn columns(&self) -> Result<Vec<Column<'_>>> {
        self.0.iter().map(column).collect::<Result<_, _>>().map_err(model_error)
    }
}

/// What a model refuses, as an error of the query.
pub(crate) fn model_error(error: ModelError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn column(array: &Float64Array) -> Result<Column<'_>, ModelError> {
    let column = Column::new(&array.values()[..]);
    match array.nulls() {
        None => Ok(column),
        Some(nulls) => column.with_validity(Bits::new(nulls.validity(), nulls.offset(), nulls.len())?),
    }
}
