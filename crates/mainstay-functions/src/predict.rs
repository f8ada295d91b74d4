//! `predict(model, features...)` and `raw_score(model, features...)`.

use std::sync::Arc;

use arrow::array::Float64Array;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use crate::arguments::{FeatureColumns, coerce, model, model_error};
use crate::model_cache::ModelCache;

/// Which number of a model a [`Predict`] gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Score {
    /// The calibrated probability: `predict()`.
    Probability,
    /// The margin: `raw_score()`.
    Raw,
}

/// Scores every row of a batch. A null feature is a missing value.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Predict {
    score: Score,
    models: ModelCache,
    signature: Signature,
}

impl Predict {
    /// The function for one kind of score.
    pub fn new(score: Score, models: ModelCache) -> Self {
        Self { score, models, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Predict {
    fn name(&self) -> &str {
        match self.score {
            Score::Probability => "predict",
            Score::Raw => "raw_score",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        coerce(self.name(), &[DataType::Utf8], given)
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let model = model(self.name(), args.args.first(), &self.models)?;
        let arguments = args.args.get(1..).unwrap_or_default();
        let features = FeatureColumns::new(self.name(), &model.ensemble, arguments, args.number_rows)?;
        let mut scores = vec![0.0; args.number_rows];
        model.scorer.raw_scores(&features.columns()?, &mut scores).map_err(model_error)?;
        if self.score == Score::Probability {
            scores.iter_mut().for_each(|score| *score = model.ensemble.prediction(*score));
        }
        Ok(ColumnarValue::Array(Arc::new(Float64Array::from(scores))))
    }
}
