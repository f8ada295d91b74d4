//! Reading models: good ones come back to the bit, hostile ones end in an error.

use std::error::Error;

use proptest::prelude::*;

use super::*;
use crate::test_models::random_ensemble;

const GOOD: &str = r#"{"mainstay_model":1,"link":"logistic","bias":"-1.25","calibration":{"platt":{"a":"0.9","b":"0.1"}},
    "features":[{"name":"recency_days","reason":"no order for {value} days"},{"name":"orders"}],
    "trees":[{"feature":[0,0,0],"threshold":["30.5","0.0","0.0"],"default_left":[true,false,false],
              "left":[1,0,0],"right":[2,0,0],"value":["0.0","-0.5","0.7"],"cover":["10.0","4.0","6.0"]}]}"#;

/// The message of the error and of what caused it.
fn refusal(json: &str) -> String {
    let error = Ensemble::from_json(json.as_bytes()).unwrap_err();
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn refusal_with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    refusal(&GOOD.replacen(from, to, 1))
}

#[test]
fn reads_a_model() {
    let model = Ensemble::from_json(GOOD.as_bytes()).unwrap();
    assert_eq!(model.features()[0].reason.as_deref(), Some("no order for {value} days"));
    assert_eq!(model.calibration(), Calibration::Platt { a: 0.9, b: 0.1 });
    let mut out = [0.0; 2];
    model.raw_scores(&[&[10.0, 31.0], &[1.0, 1.0]], &mut out).unwrap();
    assert_eq!(out, [-1.25 - 0.5, -1.25 + 0.7]);
}

#[test]
fn the_canonical_form_is_fixed() {
    let model = Ensemble::from_json(GOOD.as_bytes()).unwrap();
    let expected = concat!(
        r#"{"mainstay_model":1,"link":"logistic","bias":"-1.25","calibration":{"platt":{"a":"0.9","b":"0.1"}},"#,
        r#""features":[{"name":"recency_days","reason":"no order for {value} days"},{"name":"orders"}],"#,
        "\n\"trees\":[\n",
        r#"{"feature":[0,0,0],"threshold":["30.5","0.0","0.0"],"default_left":[true,false,false],"#,
        r#""left":[1,0,0],"right":[2,0,0],"value":["0.0","-0.5","0.7"],"cover":["10.0","4.0","6.0"]}"#,
        "\n]}\n",
    );
    assert_eq!(String::from_utf8(model.to_json()).unwrap(), expected);
    assert_eq!(model.digest(), Digest::of(expected.as_bytes()));
}

#[test]
fn a_model_of_version_2_reads_back() {
    let text = concat!(
        r#"{"mainstay_model":2,"link":"identity","bias":"0.5","calibration":"identity","features":[{"name":"x"}],"#,
        "\n\"trees\":[\n",
        r#"{"feature":[0,0,0,0,0],"threshold":["0.0","0.0","1.5","0.0","0.0"],"#,
        r#""categories":[[1,70],null,null,null,null],"zero_is_missing":[false,false,true,false,false],"#,
        r#""default_left":[false,false,true,false,false],"left":[1,0,3,0,0],"right":[2,0,4,0,0],"#,
        r#""value":["0.0","1.0","0.0","2.0","3.0"]}"#,
        "\n]}\n",
    );
    let model = Ensemble::from_json(text.as_bytes()).unwrap();
    assert!(!model.has_covers());
    assert_eq!(String::from_utf8(model.to_json()).unwrap(), text);
    let mut out = [0.0; 4];
    model.raw_scores(&[&[70.0, 0.0, 2.6, 1.0]], &mut out).unwrap();
    assert_eq!(out, [1.5, 2.5, 3.5, 1.5]);
    let codes_of_a_leaf = text.replace("[[1,70],null", "[[1,70],[2]");
    assert!(refusal(&codes_of_a_leaf).ends_with("node 1 is a leaf and a split at once"));
    let huge = text.replace("70]", "65536]");
    assert!(refusal(&huge).ends_with("the category code 65536 is not below 65536"));
    let short = text.replace("[[1,70],null,", "[[1,70],");
    assert!(refusal(&short).ends_with("its array `categories` has 4 entries, but it has 5 nodes"));
}

/// A tree whose splits all ask for one set of so many categories.
fn sharing(codes: u32, splits: u32) -> Ensemble {
    let set = CategorySet::new(0..codes).unwrap();
    let mut nodes = Vec::new();
    for split in 0..splits {
        let (left, right) = (2 * split + 2, 2 * split + 1);
        let condition = Condition::OneOf(set.clone());
        nodes.push(Node::Split {
            feature: 0,
            condition,
            missing: Missing::Nan,
            default_left: false,
            left,
            right,
            cover: 0.0,
        });
        nodes.push(Node::Leaf { value: f64::from(split), cover: 0.0 });
    }
    nodes.push(Node::Leaf { value: -1.0, cover: 0.0 });
    Ensemble::new(EnsembleParts {
        features: vec![Feature::new("x")],
        trees: vec![Tree::new(&nodes).unwrap()],
        bias: 0.0,
        link: Link::Logistic,
        calibration: Calibration::Identity,
    })
    .unwrap()
}

#[test]
fn a_large_set_of_several_splits_is_written_once() {
    let model = sharing(300, 3);
    let json = String::from_utf8(model.to_json()).unwrap();
    assert!(json.starts_with("{\"mainstay_model\":4,"), "{json}");
    assert!(
        json.contains("],\n\"category_sets\":[\n[0,1,2,")
            && json.contains("\"categories\":[0,null,0,null,0,null,null]")
    );
    assert_eq!(json.matches("298,299").count(), 1);
    let back = Ensemble::from_json(json.as_bytes()).unwrap();
    assert_eq!((&back, back.digest()), (&model, model.digest()));
    let mut out = [0.0; 3];
    back.raw_scores(&[&[299.0, 300.0, f64::NAN]], &mut out).unwrap();
    assert_eq!(out, [-1.0, 0.0, 0.0]);
    assert_eq!(
        refusal(&json.replacen("\"categories\":[0,", "\"categories\":[7,", 1)),
        "tree 0 of the model is unsound: restore the file or train the model anew: node 0 names the set of categories 7, but the \
         model has 1"
    );
}

#[test]
fn sets_that_are_small_or_asked_for_once_are_written_as_before() {
    for (model, version) in [(sharing(256, 3), 2), (sharing(300, 1), 2), (sharing(257, 2), 4)] {
        let json = String::from_utf8(model.to_json()).unwrap();
        assert!(json.starts_with(&format!("{{\"mainstay_model\":{version},")), "{}", &json[..40]);
        assert_eq!(Ensemble::from_json(json.as_bytes()).unwrap(), model);
    }
}

proptest! {
    #[test]
    fn reads_back_what_it_writes(seed: u64) {
        let model = random_ensemble(seed, 3, 4, 5);
        let back = Ensemble::from_json(&model.to_json()).unwrap();
        prop_assert_eq!(&back, &model);
        prop_assert_eq!(back.digest(), model.digest());
    }

    #[test]
    fn keeps_every_bit_of_a_number(bits: u64) {
        let bias = f64::from_bits(bits);
        prop_assume!(bias.abs() <= 1e12);
        let parts = EnsembleParts {
            features: vec![Feature::new("x")],
            trees: Vec::new(),
            bias,
            link: Link::Logistic,
            calibration: Calibration::Identity,
        };
        let back = Ensemble::from_json(&Ensemble::new(parts).unwrap().to_json()).unwrap();
        prop_assert_eq!(back.bias().to_bits(), bits);
    }

    #[test]
    fn a_damaged_file_never_panics(seed: u64, damage in prop::collection::vec((any::<usize>(), any::<u8>()), 1..6)) {
        let mut bytes = random_ensemble(seed, 3, 2, 3).to_json();
        for (position, byte) in damage {
            let position = position % bytes.len();
            bytes[position] = byte;
        }
        if let Ok(model) = Ensemble::from_json(&bytes) {
            let columns = vec![[f64::NAN].as_slice(); model.features().len()];
            let mut out = [0.0];
            model.raw_scores(&columns, &mut out).unwrap();
            prop_assert!(out[0].is_finite());
        }
    }

    #[test]
    fn random_digits_in_the_file_never_panic(position: usize, digit in b'0'..=b'9') {
        let mut bytes = random_ensemble(5, 3, 3, 4).to_json();
        let digits: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at].is_ascii_digit()).collect();
        bytes[digits[position % digits.len()]] = digit;
        let _ = Ensemble::from_json(&bytes);
    }
}

#[test]
fn refuses_every_truncation() {
    let bytes = random_ensemble(2, 2, 2, 2).to_json();
    let end = bytes.len() - 1;
    for length in 0..end {
        let error = Ensemble::from_json(&bytes[..length]).unwrap_err();
        assert!(matches!(error, ModelError::Unreadable(_)), "{length}: {error}");
    }
}

#[test]
fn refuses_what_is_not_a_model() {
    let foreign = refusal(r#"{"learner":{}}"#);
    assert!(foreign.starts_with("the model cannot be read: the file is damaged or foreign"), "{foreign}");
    assert!(foreign.contains("missing field `mainstay_model`"), "{foreign}");
    assert!(refusal(&"[".repeat(100_000)).contains("cannot be read"));
    assert!(refusal_with("\"link\"", "\"links\"").contains("unknown field `links`"));
    assert!(refusal_with("\"orders\"", "\"orders\",\"kind\":1").contains("unknown field `kind`"));
    assert!(refusal_with("\"logistic\"", "\"probit\"").contains("unknown variant `probit`"));
    assert_eq!(
        refusal_with("\"mainstay_model\":1", "\"mainstay_model\":5"),
        "the model has format version 5, this program reads versions 1 to 4: train it anew or upgrade"
    );
}

#[test]
fn refuses_unsound_content() {
    let tree = "tree 0 of the model is unsound: restore the file or train the model anew: ";
    let cases = [
        ("[1,0,0],\"right\":[2", "[1,0,0],\"right\":[1", "node 1 is reached more than once"),
        ("[1,0,0],\"right\":[2", "[0,0,0],\"right\":[2", "node 0 is reached more than once"),
        ("[1,0,0],\"right\":[2", "[1,0,0],\"right\":[3", "node 0 has the child 3, which does not exist"),
        ("\"feature\":[0,", "\"feature\":[2,", "node 0 splits on feature 2, but the model has 2"),
        ("\"feature\":[0,0,0]", "\"feature\":[0,0]", "its array `threshold` has 3 entries, but it has 2 nodes"),
        (
            "\"cover\":[\"10.0\"",
            "\"cover\":[\"11.0\"",
            "node 0 has the cover 11.0: it must be positive, finite and the sum",
        ),
        ("\"value\":[\"0.0\"", "\"value\":[\"1.0\"", "node 0 is a leaf and a split at once"),
        ("\"value\":[\"0.0\",\"-0.5\"", "\"value\":[\"0.0\",\"1e300\"", "node 1 has the value 1e300"),
    ];
    for (from, to, expected) in cases {
        let message = refusal_with(from, to);
        assert!(message.starts_with(&format!("{tree}{expected}")), "{message}");
    }
    assert!(refusal_with("\"orders\"", "\"recency_days\"").starts_with("feature 1 has the name `recency_days`"));
}

#[test]
fn refuses_numbers_that_are_not_finite() {
    for number in ["NaN", "inf", "-infinity", "1e999", "", "0x1", "1,5"] {
        let message = refusal_with("\"30.5\"", &format!("\"{number}\""));
        assert!(message.contains("expected a finite number as text"), "{number}: {message}");
    }
    assert!(refusal_with("\"30.5\"", "30.5").contains("invalid type: floating point"));
    assert!(refusal_with("[1,0,0]", "[-1,0,0]").contains("invalid value: integer `-1`"));
    assert!(refusal_with("[1,0,0]", "[99999999999999999999,0,0]").contains("cannot be read"));
}

#[test]
fn refuses_a_file_that_is_too_large() {
    let bytes = vec![b' '; MAX_BYTES + 1];
    let message = Ensemble::from_json(&bytes).unwrap_err().to_string();
    assert_eq!(message, "the model has 268435457 bytes, at most 268435456 are allowed: train a smaller one");
}
