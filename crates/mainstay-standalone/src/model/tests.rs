use mainstay_model::{Calibration, Condition, Link, Missing, Node, Tree};
use tempfile::TempDir;

use super::*;

/// One split on the first of two features.
fn model() -> Ensemble {
    let split = Node::Split {
        feature: 0,
        condition: Condition::Below(1.0),
        missing: Missing::Nan,
        default_left: true,
        left: 1,
        right: 2,
        cover: 4.0,
    };
    let leaves = [Node::Leaf { value: -0.5, cover: 1.0 }, Node::Leaf { value: 0.5, cover: 3.0 }];
    let nodes: Vec<Node> = [split].into_iter().chain(leaves).collect();
    Ensemble::new(EnsembleParts {
        features: ["recency", "orders"].map(Feature::new).to_vec(),
        trees: vec![Tree::new(&nodes).unwrap()],
        bias: 0.25,
        link: Link::Logistic,
        calibration: Calibration::Identity,
    })
    .unwrap()
}

/// The message with that of each cause, as the command shows it.
fn message(error: &ModelFileError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

#[test]
fn a_model_goes_out_as_onnx_and_comes_back_under_other_names() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("model.onnx");
    std::fs::write(&file, export_onnx(&model(), &file).unwrap()).unwrap();
    let names = ["days", "purchases"].map(str::to_owned);
    let renamed = import(&file, ForeignFormat::Onnx, Some(&names)).unwrap();
    assert_eq!(renamed.features().iter().map(|feature| feature.name.as_str()).collect::<Vec<_>>(), names);
    assert_eq!(renamed.trees().len(), 1);
    let error = import(&file, ForeignFormat::Onnx, Some(&names[..1])).unwrap_err();
    assert_eq!(
        message(&error),
        "--features gives 1 names, but the model has 2 features: name them all, in the model's order"
    );
}

#[test]
fn a_model_of_ours_is_read_as_it_was_written() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("model.json");
    std::fs::write(&file, model().to_file().unwrap()).unwrap();
    assert_eq!(read(&file).unwrap(), model());
}

#[test]
fn what_is_no_model_is_said_with_what_to_do() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("model.txt");
    let absent = message(&read(&file).unwrap_err());
    assert!(absent.starts_with(&format!("cannot read {}: check the path: ", file.display())), "{absent}");
    std::fs::write(&file, "no model").unwrap();
    let ours = message(&read(&file).unwrap_err());
    let advice = "(a file of XGBoost, LightGBM or ONNX becomes a model with `mainstay model import`): ";
    assert!(ours.starts_with(&format!("cannot read the model {} {advice}", file.display())), "{ours}");
    for format in [ForeignFormat::Xgboost, ForeignFormat::Lightgbm, ForeignFormat::Onnx] {
        let foreign = message(&import(&file, format, None).unwrap_err());
        assert!(foreign.starts_with(&format!("cannot import {}: ", file.display())), "{foreign}");
    }
}
