//! Every reader on every input: an error or a model that scores finite numbers, and that our own format gives back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mainstay_model::{Ensemble, import};

fuzz_target!(|bytes: &[u8]| {
    let readers = [import::xgboost_json, import::xgboost_ubjson, import::lightgbm_text, import::onnx];
    let imported = readers.into_iter().filter_map(|import| import(bytes).ok());
    for model in imported.chain(Ensemble::from_json(bytes)) {
        let row = vec![f64::NAN; model.features().len()];
        let columns: Vec<&[f64]> = row.chunks(1).collect();
        let mut raw = [0.0];
        model.raw_scores(&columns, &mut raw).expect("a row that fits");
        assert!(raw[0].is_finite());
        let back = Ensemble::from_json(&model.to_json()).expect("our own format");
        assert!(back == model);
    }
});
