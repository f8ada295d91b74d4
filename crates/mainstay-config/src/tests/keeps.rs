//! Whether a value keeps a JSON schema, as far as the schemas of this crate go.

use serde_json::Value;

/// What is wrong with a value, each fault with the keys that lead to it.
pub(super) fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        check(root, root.pointer(name.trim_start_matches('#')).unwrap(), value, at, found);
    }
    list(schema, "allOf").for_each(|part| check(root, part, value, at, found));
    for key in ["anyOf", "oneOf"] {
        let tried: Vec<Vec<String>> = list(schema, key)
            .map(|option| {
                let mut found = Vec::new();
                check(root, option, value, at, &mut found);
                found
            })
            .collect();
        if !tried.is_empty() && tried.iter().all(|faults| !faults.is_empty()) {
            found.extend(tried.into_iter().max_by_key(|faults| faults.concat().len()).unwrap());
        }
    }
    if let Some(expected) = schema.get("const").filter(|expected| *expected != value) {
        found.push(format!("{at}: not {expected}"));
    }
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.iter().any(|name| is(value, name)) {
        found.push(format!("{at}: no {}", types.join(" or ")));
    }
    if let (Value::Array(items), Some(item)) = (value, schema.get("items")) {
        items.iter().enumerate().for_each(|(index, value)| check(root, item, value, &format!("{at}[{index}]"), found));
    }
    if let Value::Object(members) = value {
        check_members(root, schema, members, at, found);
    }
}

fn check_members(
    root: &Value,
    schema: &Value,
    members: &serde_json::Map<String, Value>,
    at: &str,
    found: &mut Vec<String>,
) {
    let below = |key: &str| if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
    for (key, value) in members {
        match (schema.get("properties").and_then(|known| known.get(key)), schema.get("additionalProperties")) {
            (Some(property), _) => check(root, property, value, &below(key), found),
            (None, Some(Value::Bool(false))) => found.push(format!("{}: unknown key", below(key))),
            (None, Some(property)) => check(root, property, value, &below(key), found),
            (None, None) => {}
        }
    }
    let required = list(schema, "required").filter_map(Value::as_str);
    found.extend(required.filter(|key| !members.contains_key(*key)).map(|key| format!("{}: missing", below(key))));
}

fn list<'a>(schema: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    schema.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        _ => panic!("no type {name}"),
    }
}
