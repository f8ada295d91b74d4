//! Damaged and hostile files end in an error, or in a model that is sound: never in a panic, a hang or much memory.

use proptest::prelude::*;
use prost::Message;
use serde_json::Value;

use super::tests::{Import, MODELS, fixture};
use crate::import;
use crate::onnx_proto::Model;

/// What a field is set to.
const NUMBERS: [i64; 12] = [-1, 0, 1, 2, 63, 64, 65_536, 10_000, i32::MAX as i64, u32::MAX as i64, i64::MAX, i64::MIN];
const TEXTS: [&str; 8] = ["", "-1", "nan", "inf", "1e308", "4294967295", "99999999999999999999", "[0.5,0.5]"];

/// Where to damage and how: positions and choices are taken modulo what there is.
type Damage = Vec<(usize, usize)>;

fn damage() -> impl Strategy<Value = Damage> {
    prop::collection::vec(any::<(usize, usize)>(), 1..5)
}

/// A model that was read in spite of damage is as sound as any.
fn read(import: Import, bytes: &[u8]) {
    let Ok(model) = import(bytes) else { return };
    for value in [f64::NAN, 0.0, -1e30, 3.0] {
        let row = vec![value; model.features().len()];
        let columns: Vec<&[f64]> = row.chunks(1).collect();
        let mut raw = [0.0];
        model.raw_scores(&columns, &mut raw).unwrap();
        assert!(raw[0].is_finite());
        assert!(!model.prediction(raw[0]).is_nan());
        let mut phi = vec![0.0; row.len()];
        assert_eq!(model.contributions(&row, &mut phi).is_ok(), model.has_covers());
    }
    assert_eq!(crate::Ensemble::from_json(&model.to_json()).unwrap(), model);
}

fn fixtures(ending: &str) -> Vec<&'static (&'static str, Import)> {
    MODELS.iter().filter(|(name, _)| name.ends_with(ending)).collect()
}

fn read_with_damaged_bytes(ending: &str, choice: usize, damage: &Damage) {
    let fixtures = fixtures(ending);
    let (name, import) = fixtures[choice % fixtures.len()];
    let mut bytes = fixture(name);
    for (place, kind) in damage {
        let at = place % bytes.len();
        let end = (at + kind / 8 % 40).min(bytes.len());
        match kind % 4 {
            0 => bytes[at] = (kind >> 8) as u8,
            1 => bytes[at] ^= 1 << (kind / 4 % 8),
            2 if end - at < bytes.len() => drop(bytes.drain(at..end)),
            _ => bytes.extend_from_within(at..end),
        }
    }
    read(*import, &bytes);
}

/// A value within a value: at each level `place` chooses an entry, or to stay.
fn part(value: &mut Value, place: usize) -> &mut Value {
    let children = match value {
        Value::Array(list) => list.len(),
        Value::Object(fields) => fields.len(),
        _ => 0,
    };
    // Rarely stay at the top: its loss shows little.
    if children == 0 || place.is_multiple_of(16) {
        return value;
    }
    let (place, child) = (place / 16 / children, place / 16 % children);
    match value {
        Value::Array(list) => part(&mut list[child], place),
        Value::Object(fields) => part(fields.values_mut().nth(child).unwrap(), place),
        _ => unreachable!(),
    }
}

fn damage_value(value: &mut Value, kind: usize) {
    let number = NUMBERS[kind / 8 % NUMBERS.len()];
    match (kind % 8, value) {
        (0, value) => *value = Value::Null,
        (1, value) => *value = TEXTS[kind / 8 % TEXTS.len()].into(),
        (2, Value::Array(list)) => drop(list.pop()),
        (3, Value::Array(list)) => list.extend_from_within(..list.len().min(3)),
        (4, Value::Array(list)) => list.reverse(),
        (5, Value::Array(list)) if !list.is_empty() => {
            let at = kind / 128 % list.len();
            list[at] = number.into();
        }
        (_, value) => *value = number.into(),
    }
}

/// The same value as UBJSON, with lists of singles and of integers typed as XGBoost writes them.
fn ubjson(value: &Value, out: &mut Vec<u8>) {
    let length = |out: &mut Vec<u8>, length: usize| {
        out.push(b'L');
        out.extend((length as i64).to_be_bytes());
    };
    match value {
        Value::Null => out.push(b'Z'),
        Value::Bool(flag) => out.push(if *flag { b'T' } else { b'F' }),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => length(out, integer as usize),
            None => {
                out.push(b'D');
                out.extend(number.as_f64().unwrap().to_be_bytes());
            }
        },
        Value::String(text) => {
            out.push(b'S');
            length(out, text.len());
            out.extend(text.as_bytes());
        }
        Value::Array(list) => {
            out.extend(b"[#");
            length(out, list.len());
            list.iter().for_each(|entry| ubjson(entry, out));
        }
        Value::Object(fields) => {
            out.push(b'{');
            for (name, field) in fields {
                length(out, name.len());
                out.extend(name.as_bytes());
                ubjson(field, out);
            }
            out.push(b'}');
        }
    }
}

fn damaged_line(line: &str, place: usize, kind: usize) -> String {
    let (key, list) = line.split_once('=').unwrap_or((line, ""));
    let mut entries: Vec<String> = list.split(' ').map(str::to_owned).collect();
    let at = place % entries.len();
    match kind % 5 {
        0 => drop(entries.remove(at)),
        1 => entries.insert(at, entries[at].clone()),
        2 => entries[at] = TEXTS[kind / 8 % TEXTS.len()].to_owned(),
        3 => return String::new(),
        _ => entries[at] = NUMBERS[kind / 8 % NUMBERS.len()].to_string(),
    }
    format!("{key}={}", entries.join(" "))
}

fn damage_model(model: &mut Model, place: usize, kind: usize) {
    let Some(graph) = &mut model.graph else { return };
    let operators = graph.nodes.len();
    let operator = &mut graph.nodes[place % operators];
    if operator.attributes.is_empty() {
        return operator.op_type.push('x');
    }
    let attributes = operator.attributes.len();
    let attribute = &mut operator.attributes[place / operators % attributes];
    let number = NUMBERS[kind / 8 % NUMBERS.len()];
    let at = place / operators / attributes;
    match kind % 5 {
        0 => attribute.name.push('x'),
        1 if !attribute.ints.is_empty() => {
            let at = at % attribute.ints.len();
            attribute.ints[at] = number;
        }
        2 if !attribute.texts.is_empty() => {
            let at = at % attribute.texts.len();
            attribute.texts[at] = [b"LEAF".as_slice(), b"BRANCH_GT", b"BRANCH_EQ", b""][kind / 8 % 4].to_vec();
        }
        3 if !attribute.floats.is_empty() => {
            let at = at % attribute.floats.len();
            attribute.floats[at] = [f32::NAN, f32::INFINITY, f32::MIN, f32::MAX][kind / 8 % 4];
        }
        _ => {
            attribute.int = Some(number);
            attribute.ints.pop();
            attribute.floats.pop();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_json_never_panics(choice: usize, damage in damage()) {
        read_with_damaged_bytes(".json", choice, &damage);
    }

    #[test]
    fn damaged_ubjson_never_panics(choice: usize, damage in damage()) {
        read_with_damaged_bytes(".ubj", choice, &damage);
    }

    #[test]
    fn damaged_text_never_panics(choice: usize, damage in damage()) {
        read_with_damaged_bytes(".txt", choice, &damage);
    }

    #[test]
    fn damaged_protobuf_never_panics(choice: usize, damage in damage()) {
        read_with_damaged_bytes(".onnx", choice, &damage);
    }

    #[test]
    fn foreign_values_in_json_and_ubjson_never_panic(choice: usize, damage in damage()) {
        let fixtures = fixtures(".json");
        let (name, _) = fixtures[choice % fixtures.len()];
        let mut value = serde_json::from_slice(&fixture(name)).unwrap();
        for (place, kind) in damage {
            damage_value(part(&mut value, place), kind);
        }
        read(import::xgboost_json, &serde_json::to_vec(&value).unwrap());
        let mut bytes = Vec::new();
        ubjson(&value, &mut bytes);
        read(import::xgboost_ubjson, &bytes);
    }

    #[test]
    fn foreign_values_in_text_never_panic(choice: usize, damage in damage()) {
        let fixtures = fixtures(".txt");
        let (name, import) = fixtures[choice % fixtures.len()];
        let text = String::from_utf8(fixture(name)).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for (place, kind) in damage {
            let at = place % lines.len();
            lines[at] = damaged_line(&lines[at], place / lines.len(), kind);
        }
        read(*import, lines.join("\n").as_bytes());
    }

    #[test]
    fn foreign_values_in_protobuf_never_panic(choice: usize, damage in damage()) {
        let fixtures = fixtures(".onnx");
        let (name, import) = fixtures[choice % fixtures.len()];
        let mut model = Model::decode(fixture(name).as_slice()).unwrap();
        for (place, kind) in damage {
            damage_model(&mut model, place, kind);
        }
        read(*import, &model.encode_to_vec());
    }
}

#[test]
fn refuses_every_truncation() {
    for (name, import) in MODELS {
        let bytes = fixture(name);
        // A text file goes on behind its end of trees; protobuf may end between two fields.
        let end = bytes.windows(12).position(|line| line == b"end of trees").unwrap_or(bytes.trim_ascii_end().len());
        for length in (0..end).step_by(7) {
            assert!(import(&bytes[..length]).is_err() || name.ends_with("onnx"), "{name} {length}");
        }
    }
}

#[test]
fn refuses_deep_and_endless_files() {
    let deep_json = [br#"{"learner":"#.as_slice(), &b"[".repeat(1_000_000)].concat();
    let deep_ubjson = [b"{i\x01a".as_slice(), &b"[".repeat(1_000_000)].concat();
    let endless = [b"{i\x07learner".as_slice(), b"[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff"].concat();
    let deep_protobuf = b"\x3a\x80\x80\x80\x40".repeat(100_000);
    for bytes in [deep_json, deep_ubjson, endless, Vec::new(), b"{".to_vec(), b"tree".to_vec()] {
        assert!(import::xgboost(&bytes).is_err());
        assert!(import::lightgbm_text(&bytes).is_err());
    }
    assert!(import::onnx(&deep_protobuf).is_err());
}

#[test]
fn refuses_a_file_that_is_too_large() {
    let bytes = vec![b' '; import::MAX_BYTES + 1];
    for import in [import::xgboost, import::xgboost_ubjson, import::lightgbm_text, import::onnx] {
        let message = import(&bytes).unwrap_err().to_string();
        assert_eq!(message, "the model has 268435457 bytes, at most 268435456 are allowed: train a smaller one");
    }
}

/// One tree of splits that all name one set of all categories: 2048 words of bits once, and a few bytes a split.
fn one_set_of_many_splits(levels: u32) -> String {
    let splits = 2i32.pow(levels) - 1;
    let list = |of: &dyn Fn(i32) -> String, count: i32| (0..count).map(of).collect::<Vec<_>>().join(" ");
    let child = |child: i32| (if child < splits { child } else { splits - 1 - child }).to_string();
    [
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\nfeature_names=x".to_owned(),
        format!("objective=binary sigmoid:1\n\nTree=0\nnum_leaves={}\nnum_cat=1", splits + 1),
        format!("cat_boundaries=0 2048\ncat_threshold={}", list(&|_| u32::MAX.to_string(), 2_048)),
        format!("split_feature={}", list(&|_| "0".into(), splits)),
        format!("threshold={}", list(&|_| "0".into(), splits)),
        format!("decision_type={}", list(&|_| "1".into(), splits)),
        format!("left_child={}", list(&|split| child(2 * split + 1), splits)),
        format!("right_child={}", list(&|split| child(2 * split + 2), splits)),
        format!("leaf_value={}", list(&|_| "1".into(), splits + 1)),
        format!("leaf_count={}", list(&|_| "0".into(), splits + 1)),
        format!("internal_count={}", list(&|_| "0".into(), splits)),
        "end of trees\n".to_owned(),
    ]
    .join("\n")
}

#[test]
fn a_model_is_no_larger_than_a_small_multiple_of_its_file() {
    let text = one_set_of_many_splits(10);
    let model = import::lightgbm_text(text.as_bytes()).unwrap();
    assert_eq!((model.trees()[0].leaf_count(), model.has_covers()), (1_024, false));
    let json = model.to_file().unwrap();
    assert!(json.len() < 12 * text.len(), "{} bytes become {}", text.len(), json.len());
    let back = crate::Ensemble::from_json(&json).unwrap();
    assert_eq!((&back, back.digest()), (&model, model.digest()));
    let columns: [&[f64]; 1] = [&[0.0, 65_535.0, f64::NAN]];
    let mut scores = [0.0; 3];
    crate::Scorer::new(&back).raw_scores(&[crate::Column::new(columns[0])], &mut scores).unwrap();
    assert_eq!(scores, [1.0; 3]);
}
