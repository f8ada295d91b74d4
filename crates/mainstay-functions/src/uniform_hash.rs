//! `uniform_hash(salt, text)`: a draw that stays the same for ever, for holdouts and samples.

use std::sync::Arc;

use arrow::array::{AsArray, Float64Array};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use mainstay_schema::DigestHasher;

/// A number in [0, 1) from a salt and a text: the first 53 bits of the digest of both. Null stays null.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct UniformHash {
    signature: Signature,
}

impl Default for UniformHash {
    fn default() -> Self {
        Self { signature: Signature::exact(vec![DataType::Utf8, DataType::Utf8], Volatility::Immutable) }
    }
}

/// The draw of one text: what `uniform_hash()` gives a row.
pub fn uniform_hash(salt: &str, text: &str) -> f64 {
    let digest = DigestHasher::new().frame(salt.as_bytes()).frame(text.as_bytes()).finish();
    (digest.leading_u64() >> 11) as f64 / (1u64 << 53) as f64
}

impl ScalarUDFImpl for UniformHash {
    fn name(&self) -> &'static str {
        "uniform_hash"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [ColumnarValue::Scalar(ScalarValue::Utf8(Some(salt))), text] = args.args.as_slice() else {
            return exec_err!("the first argument of uniform_hash() must be a literal salt");
        };
        let text = text.to_array(args.number_rows)?;
        let draws: Float64Array =
            text.as_string::<i32>().iter().map(|text| text.map(|text| uniform_hash(salt, text))).collect();
        Ok(ColumnarValue::Array(Arc::new(draws)))
    }
}
