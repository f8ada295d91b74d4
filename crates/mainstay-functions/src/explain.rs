//! `explain(model, k, features...)`: the reasons of each row's score.
//!
//! Also called `explain_score()`: the parser takes EXPLAIN behind a comma for the statement of that name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Float64Builder, ListArray, StringBuilder, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use mainstay_model::{Column, Reason, ReasonRules};

use crate::arguments::{FeatureColumns, coerce, model, model_error};
use crate::model_cache::{CachedModel, ModelCache};

/// The fields of a reason, in order: feature, value, contribution, text.
pub static REASON_FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        Field::new("feature", DataType::Utf8, false),
        Field::new("value", DataType::Float64, true),
        Field::new("contribution", DataType::Float64, false),
        Field::new("text", DataType::Utf8, false),
    ])
});

fn list_item() -> Arc<Field> {
    Arc::new(Field::new_list_field(DataType::Struct(REASON_FIELDS.clone()), false))
}

/// Explains every row of a batch: at most k reasons, the largest contribution to the risk first.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Explain {
    models: ModelCache,
    aliases: [String; 1],
    signature: Signature,
}

impl Explain {
    /// The function over the models of a cache.
    pub fn new(models: ModelCache) -> Self {
        Self {
            models,
            aliases: ["explain_score".to_owned()],
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for Explain {
    fn name(&self) -> &'static str {
        "explain"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        coerce(self.name(), &[DataType::Utf8, DataType::Int64], given)
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(list_item()))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let model = model(self.name(), args.args.first(), &self.models)?;
        let Some(ColumnarValue::Scalar(ScalarValue::Int64(Some(k)))) = args.args.get(1) else {
            return exec_err!("the second argument of explain() must be a literal number of reasons");
        };
        let k = usize::try_from(*k)
            .map_err(|_| DataFusionError::Execution(format!("explain() cannot give {k} reasons")))?;
        let arguments = args.args.get(2..).unwrap_or_default();
        let features = FeatureColumns::new(self.name(), &model.ensemble, arguments, args.number_rows)?;
        reasons(&model, k, &features.columns()?, args.number_rows).map(ColumnarValue::Array)
    }
}

fn reasons(model: &CachedModel, k: usize, columns: &[Column<'_>], rows: usize) -> Result<ArrayRef> {
    let (mut feature, mut text) = (StringBuilder::new(), StringBuilder::new());
    let (mut value, mut contribution) = (Float64Builder::new(), Float64Builder::new());
    let mut lengths = Vec::with_capacity(rows);
    let rules = ReasonRules::new(&model.ensemble, &BTreeMap::new(), &BTreeSet::new(), k).map_err(model_error)?;
    let take = |_, found: &[Reason]| {
        lengths.push(found.len());
        for reason in found {
            feature.append_value(model.ensemble.features().get(reason.feature).map_or("", |f| f.name.as_str()));
            value.append_option((!reason.value.is_nan()).then_some(reason.value));
            contribution.append_value(reason.contribution);
            text.append_value(model.ensemble.reason_text(reason));
        }
    };
    model.explainer().and_then(|explainer| explainer.reasons(columns, &rules, take)).map_err(model_error)?;
    let fields: Vec<ArrayRef> = vec![
        Arc::new(feature.finish()),
        Arc::new(value.finish()),
        Arc::new(contribution.finish()),
        Arc::new(text.finish()),
    ];
    let reasons = StructArray::try_new(REASON_FIELDS.clone(), fields, None)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(list_item(), offsets, Arc::new(reasons), None)?))
}
