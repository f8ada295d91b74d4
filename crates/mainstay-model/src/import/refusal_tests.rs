//! What a user reads when a file is refused.

use std::error::Error;

use prost::Message;

use super::tests::{Import, fixture};
use crate::import;
use crate::onnx_proto::{Attribute, Model, Operator};

/// The messages of the error and of what caused it.
fn refusal(import: Import, bytes: &[u8]) -> String {
    let error = import(bytes).unwrap_err();
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// The refusal of a fixture of text where a part is replaced.
fn refusal_with(name: &str, import: Import, [from, to]: [&str; 2]) -> String {
    let text = String::from_utf8(fixture(name)).unwrap();
    assert!(text.contains(from), "{from}");
    refusal(import, text.replacen(from, to, 1).as_bytes())
}

#[test]
fn refuses_files_that_are_damaged() {
    let cases: [(Import, &[u8], &str); 5] = [
        (import::xgboost_json, b"{}", "XGBoost JSON model that can be read: it is damaged or of another format, save"),
        (import::xgboost_ubjson, b"{}", "missing field `learner`"),
        (import::lightgbm_text, b"tree\n\xff", "invalid utf-8"),
        (import::onnx, b"\x08\x08\x12", "the file is no ONNX model that can be read"),
        (import::onnx, b"\x08\x08", "it has no graph"),
    ];
    for (import, bytes, expected) in cases {
        let message = refusal(import, bytes);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_file_of_another_format_is_named_with_what_to_do() {
    let old_xgboost = [&[0, 0, 0, 0x3f][..], &[0; 132], &[6, 0, 0, 0, 0, 0, 0, 0], b"gbtree", &[0; 40]].concat();
    let anew = "give the file that `save_model` of XGBoost or LightGBM wrote, or an ONNX file";
    let pickle = "load it where it was made and save the model itself, with `save_model(\"model.json\")` of XGBoost or \
                  `booster_.save_model(\"model.txt\")` of LightGBM";
    let old = "load it with the XGBoost that wrote it, and save it anew with `booster.save_model(\"model.json\")`";
    let cases: [(Import, &[u8], &str, &str); 14] = [
        (import::xgboost, b"binf\0\0\0\x3f", "a file in XGBoost's old binary format, no XGBoost JSON model", old),
        (import::xgboost, &old_xgboost, "a file in XGBoost's old binary format, no XGBoost JSON model", old),
        (import::xgboost, b"\x80\x04\x95", "a pickle of Python (as joblib writes too), no XGBoost JSON model", pickle),
        (
            import::lightgbm_text,
            b"\x80\x05\x95",
            "a pickle of Python (as joblib writes too), no LightGBM text model",
            pickle,
        ),
        (
            import::lightgbm_text,
            b"\x78\x9c\xed",
            "compressed with zlib, as joblib does, no LightGBM text model",
            pickle,
        ),
        (import::onnx, b"\x1f\x8b\x08\0", "compressed with gzip, no ONNX model", "unpack it first"),
        (
            import::xgboost,
            b"PK\x03\x04",
            "a zip archive (or a spreadsheet of Excel), no XGBoost JSON model",
            "unpack it first",
        ),
        (import::onnx, b"\x89HDF\r\n\x1a\n", "an HDF5 file, no ONNX model", anew),
        (import::onnx, b"PAR1", "a Parquet file, no ONNX model", anew),
        (import::xgboost, b"booster[0]:\n0:[f0<1]", "text (such as CSV), no XGBoost JSON model", anew),
        (
            import::xgboost,
            b"tree\nversion=v4\n",
            "a text file of LightGBM, no XGBoost JSON model",
            "import it with `--format lightgbm`",
        ),
        (
            import::lightgbm_text,
            b"{\"learner\":{",
            "JSON, no LightGBM text model",
            "import it with `--format xgboost` if XGBoost wrote it; of LightGBM take what `save_model` writes, not `dump_model`",
        ),
        (
            import::onnx,
            b"{L\0\0\0\0\0\0\0\x07learner",
            "a UBJSON file, no ONNX model",
            "import it with `--format xgboost`",
        ),
        (import::xgboost, b"", "empty, no XGBoost JSON model", "save the model anew"),
    ];
    for (import, bytes, found, advice) in cases {
        assert_eq!(refusal(import, bytes), format!("the file is {found}: {advice}"));
    }
    assert_eq!(
        refusal(import::xgboost, &fixture("onnx_doubles.onnx")),
        "the file is an ONNX file, no XGBoost JSON model: import it with `--format onnx`"
    );
}

/// A chain of splits of LightGBM, each with one leaf, of this depth.
fn deep(depth: i32) -> String {
    let list = |of: &dyn Fn(i32) -> String, count: i32| (0..count).map(of).collect::<Vec<_>>().join(" ");
    let next = |split: i32| if split + 1 < depth { split + 1 } else { -depth - 1 };
    [
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\nfeature_names=x".to_owned(),
        format!("objective=binary sigmoid:1\n\nTree=0\nnum_leaves={}\nnum_cat=0", depth + 1),
        format!("split_feature={}", list(&|_| "0".into(), depth)),
        format!("threshold={}", list(&|split| split.to_string(), depth)),
        format!("decision_type={}", list(&|_| "2".into(), depth)),
        format!("left_child={}", list(&|split| (-split - 1).to_string(), depth)),
        format!("right_child={}", list(&|split| next(split).to_string(), depth)),
        format!("leaf_value={}", list(&|leaf| leaf.to_string(), depth + 1)),
        format!("leaf_count={}", list(&|_| "1".into(), depth + 1)),
        format!("internal_count={}", list(&|split| (depth + 1 - split).to_string(), depth)),
        "end of trees\n".to_owned(),
    ]
    .join("\n")
}

#[test]
fn a_tree_that_is_too_deep_is_said_to_be_and_not_to_be_damaged() {
    assert!(import::lightgbm_text(deep(64).as_bytes()).is_ok());
    assert_eq!(
        refusal(import::lightgbm_text, deep(65).as_bytes()),
        "tree 0 of the model asks more than 64 questions on the way to a leaf, which is more than is supported: train with a max_depth \
         of at most 64"
    );
}

#[test]
fn refuses_kinds_of_xgboost_models_by_name() {
    let head = "the XGBoost JSON model has ";
    let cases = [
        (
            ["\"name\":\"gbtree\"", "\"name\":\"gblinear\""],
            "the booster `gblinear`, which is not supported: train with booster `gbtree` or `dart`",
        ),
        (
            ["binary:logistic", "multi:softprob"],
            "the objective `multi:softprob`, which is not supported: train with `binary:logistic` or `reg:squarederror`",
        ),
        (
            ["\"num_class\":\"0\"", "\"num_class\":\"3\""],
            "several classes, which is not supported: train one `binary:logistic` model a class",
        ),
        (["\"num_target\":\"1\"", "\"num_target\":\"2\""], "several targets, which is not supported: train one model"),
        (["\"size_leaf_vector\":\"1\"", "\"size_leaf_vector\":\"2\""], "leaves of several targets, which is not"),
        (["\"tree_info\":[0", "\"tree_info\":[1"], "trees of several classes or targets, which is not supported"),
    ];
    for (change, expected) in cases {
        let message = refusal_with("xgboost_binary.json", import::xgboost, change);
        assert!(message.starts_with(&format!("{head}{expected}")), "{message}");
    }
}

#[test]
fn refuses_damaged_xgboost_models() {
    let damaged = "the file is damaged, save the model anew";
    let cases = [
        (
            ["\"num_feature\":\"3\",\"num_target\"", "\"num_feature\":\"4\",\"num_target\""],
            "the header of the XGBoost JSON model has 3 names in `feature_names`, expected 4",
        ),
        (
            ["\"num_feature\":\"3\",\"num_target\"", "\"num_feature\":\"-4\",\"num_target\""],
            "the header of the XGBoost JSON model has a `num_feature` that is no count",
        ),
        (
            ["\"base_score\":\"[", "\"base_score\":\"[1"],
            "the header of the XGBoost JSON model has a `base_score` that is no number",
        ),
        (
            ["\"default_left\":[", "\"default_left\":[1,"],
            "tree 0 of the XGBoost JSON model has 16 entries in `default_left`, expected 15",
        ),
        (
            ["\"categories\":[]", "\"categories\":[1]"],
            "tree 0 of the XGBoost JSON model has categories that do not fit its nodes",
        ),
    ];
    for (change, expected) in cases {
        let message = refusal_with("xgboost_binary.json", import::xgboost, change);
        assert!(message.starts_with(expected) && message.ends_with(damaged), "{message}");
    }
    let huge = refusal_with(
        "xgboost_binary.json",
        import::xgboost,
        ["\"num_feature\":\"3\",\"num_target\"", "\"num_feature\":\"1e12\",\"num_target\""],
    );
    assert_eq!(huge, "the model has 1000000000000 features, at most 10000 are allowed: train a smaller one");
    let unsound = "tree 0 of the model is unsound: restore the file or train the model anew: ";
    for (change, expected) in [
        (["\"left_children\":[1", "\"left_children\":[99"], "node 0 has the child 99, which does not exist"),
        (["\"left_children\":[1", "\"left_children\":[-7"], "node 0 has the child 4294967289, which does not exist"),
        (["\"left_children\":[1", "\"left_children\":[0"], "node 0 is reached more than once"),
        (["\"split_indices\":[", "\"split_indices\":[9"], "node 0 splits on feature 9"),
    ] {
        let message = refusal_with("xgboost_binary.json", import::xgboost, change);
        assert!(message.starts_with(&format!("{unsound}{expected}")), "{message}");
    }
    let codes =
        refusal_with("xgboost_categories.json", import::xgboost, ["\"categories\":[0", "\"categories\":[70000"]);
    assert_eq!(codes, format!("{unsound}the category code 70000 is not below 65536"));
    let dart = refusal_with("xgboost_dart.json", import::xgboost, ["\"weight_drop\":[", "\"weight_drop\":[1,"]);
    assert!(
        dart.contains("the booster of the XGBoost JSON model has 7 weights in `weight_drop`, expected 6"),
        "{dart}"
    );
}

#[test]
fn refuses_kinds_of_lightgbm_models_by_name() {
    let head = "the LightGBM text model has ";
    let cases = [
        (
            ["objective=binary sigmoid:1.7", "objective=poisson"],
            "the objective `poisson`, which is not supported: train with the objective",
        ),
        (["objective=binary sigmoid:1.7", "objective=regression sqrt"], "the objective `regression sqrt`, which"),
        (["num_class=1", "num_class=3"], "several classes, which is not supported: train one `binary` model a class"),
        (["is_linear=0", "is_linear=1"], "linear trees, which is not supported: train with linear_tree=false"),
    ];
    for (change, expected) in cases {
        let message = refusal_with("lightgbm_binary.txt", import::lightgbm_text, change);
        assert!(message.starts_with(&format!("{head}{expected}")), "{message}");
    }
}

#[test]
fn refuses_damaged_lightgbm_models() {
    let cases = [
        (
            ["max_feature_idx=2", "max_feature_idx=x"],
            "the header of the LightGBM text model has `max_feature_idx=x`, which is no fitting number",
        ),
        (
            ["max_feature_idx=2", "max_feature_idx=3"],
            "the header of the LightGBM text model has 3 entries in `feature_names`, expected 4",
        ),
        (["num_class=1", ""], "the header of the LightGBM text model has no `num_class`"),
        (
            ["num_leaves=7", "num_leaves=8"],
            "tree 0 of the LightGBM text model has 7 entries in `leaf_value`, expected 8",
        ),
        (["leaf_value=", "leaf_value=a"], "tree 0 of the LightGBM text model has `a"),
        (["decision_type=", "decision_type=1"], "tree 0 of the LightGBM text model has"),
        (["num_cat=0", "num_cat=1"], "tree 0 of the LightGBM text model has no `cat_boundaries`"),
        (
            ["num_leaves=7", "num_leaves=0"],
            "tree 0 of the LightGBM text model has 7 entries in `leaf_value`, expected 0",
        ),
    ];
    for (change, expected) in cases {
        let message = refusal_with("lightgbm_binary.txt", import::lightgbm_text, change);
        assert!(message.starts_with(expected), "{message}");
        assert!(message.ends_with("the file is damaged, save the model anew"), "{message}");
    }
    let cut = refusal_with("lightgbm_binary.txt", import::lightgbm_text, ["end of trees", ""]);
    assert!(cut.ends_with("it has no line `end of trees`: it is cut off"), "{cut}");
    let sets = refusal_with("lightgbm_categories.txt", import::lightgbm_text, ["cat_boundaries=0", "cat_boundaries=7"]);
    assert!(sets.contains("has `cat_boundaries` that do not part `cat_threshold`"), "{sets}");
    let children = refusal_with("lightgbm_binary.txt", import::lightgbm_text, ["left_child=", "left_child=9"]);
    assert!(children.contains("which does not exist"), "{children}");
}

type Change = fn(&mut Attribute);

/// The refusal of an ONNX fixture that was changed.
fn onnx_refusal(change: impl FnOnce(&mut Model)) -> String {
    let mut model = Model::decode(fixture("onnx_xgboost_binary.onnx").as_slice()).unwrap();
    change(&mut model);
    refusal(import::onnx, &model.encode_to_vec())
}

fn trees(model: &mut Model) -> &mut Operator {
    let nodes = &mut model.graph.as_mut().unwrap().nodes;
    nodes.iter_mut().find(|node| node.op_type == "TreeEnsembleClassifier").unwrap()
}

fn attribute<'a>(model: &'a mut Model, name: &str) -> &'a mut Attribute {
    trees(model).attributes.iter_mut().find(|attribute| attribute.name == name).unwrap()
}

#[test]
fn refuses_kinds_of_onnx_models_by_name() {
    let scaler = |model: &mut Model| {
        let scaler = Operator { op_type: "Scaler".to_owned(), ..Operator::default() };
        model.graph.as_mut().unwrap().nodes.push(scaler);
    };
    assert_eq!(
        onnx_refusal(scaler),
        "the ONNX model has the operator `Scaler`, which is not supported: convert the bare model, without steps before or behind it"
    );
    assert_eq!(
        onnx_refusal(|model| trees(model).op_type = "SVMClassifier".to_owned()),
        "the ONNX model has not one `TreeEnsembleClassifier` or `TreeEnsembleRegressor`, which is not supported: convert a single \
         model, without others around it"
    );
    assert_eq!(
        onnx_refusal(|model| trees(model).op_type = "TreeEnsemble".to_owned()),
        "the ONNX model has the operator `TreeEnsemble` of version 5 of ai.onnx.ml, which is not supported: convert it for an older \
         version, as with `target_opset={\"\": 17, \"ai.onnx.ml\": 3}` of skl2onnx and onnxmltools"
    );
    let cases: [(&str, Change, &str); 5] = [
        (
            "classlabels_int64s",
            |labels| labels.ints.push(2),
            "3 classes, which is not supported: convert a model of two",
        ),
        (
            "post_transform",
            |name| name.text = Some(b"PROBIT".to_vec()),
            "the post transform `PROBIT` of 1 scores, which",
        ),
        (
            "post_transform",
            |name| name.text = Some(b"SOFTMAX".to_vec()),
            "the post transform `SOFTMAX` of 1 scores, which",
        ),
        ("nodes_modes", |modes| modes.texts[0] = b"BRANCH_MEMBER".to_vec(), "the node mode `BRANCH_MEMBER`, which is"),
        ("nodes_modes", |modes| modes.texts[0] = b"BRANCH_EQ".to_vec(), "a split on equality with 0."),
    ];
    for (name, change, expected) in cases {
        let message = onnx_refusal(|model| change(attribute(model, name)));
        assert!(message.starts_with(&format!("the ONNX model has {expected}")), "{message}");
    }
}

#[test]
fn refuses_damaged_onnx_models() {
    let cases: [(&str, Change, &str); 8] = [
        ("nodes_nodeids", |ids| ids.ints[1] = 0, "node 0 of tree 0 twice"),
        ("nodes_nodeids", |ids| ids.ints.truncate(3), "entries in `nodes_nodeids`, expected "),
        ("nodes_modes", |modes| modes.texts.truncate(3), "entries in `nodes_modes`, expected "),
        ("nodes_truenodeids", |ids| ids.ints[0] = 999, "a child of node 0 of tree 0 that does not exist"),
        ("nodes_featureids", |ids| ids.ints[0] = -1, "the feature -1, which does not exist"),
        ("class_nodeids", |ids| ids.ints[0] = 0, "a weight for node 0 of tree 0, which is no leaf"),
        ("class_ids", |ids| ids.ints[0] = 5, "a weight for a class that does not exist"),
        ("base_values", |base| base.floats = vec![0.0; 3], "more `base_values` than classes"),
    ];
    for (name, change, expected) in cases {
        let message = onnx_refusal(|model| change(attribute(model, name)));
        assert!(message.starts_with("the tree ensemble of the ONNX model has "), "{message}");
        assert!(
            message.contains(expected) && message.ends_with("the file is damaged, save the model anew"),
            "{message}"
        );
    }
    let looped = onnx_refusal(|model| attribute(model, "nodes_truenodeids").ints[0] = 0);
    assert!(looped.ends_with("node 0 is reached more than once"), "{looped}");
    let no_number = onnx_refusal(|model| attribute(model, "nodes_values").floats[0] = f32::NAN);
    assert!(no_number.ends_with("node 0 has the threshold NaN: it must be finite"), "{no_number}");
}
