use std::path::Path;

use mainstay_schema::table::{self, Column, ColumnType, DayShape};
use mainstay_schema::{CustomerStatus, DecisionReason};
use schemars::JsonSchema;
use serde_json::{Value, json};

use super::tables::Meanings;

const TABLES: &str = "\
Delta tables below the path of the target, partitioned by `ds`. The tables of a day are committed in this order, and its record in `runs` is
written last: to see several tables as one run left them, read the versions that it names. A column in the digest holds the same whenever a
day is computed again from the same inputs; the others hold names and clocks of a run.

What the exit codes of the command mean is on [its page](command-line.md#exit-codes).
";

/// The words of an enumeration, each with its docstring.
fn values<T: JsonSchema>() -> Vec<(String, String)> {
    let schema = schemars::schema_for!(T).to_value();
    let variants = schema["oneOf"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    variants.map(|variant| (text(&variant["const"]), text(&variant["description"]))).collect()
}

#[test]
fn the_page_of_the_published_tables_is_what_their_contracts_say() {
    let feature =
        Column::new("<feature>", ColumnType::Double, "Each feature of the model, as the project describes it");
    let shape = DayShape { features: vec![feature.nullable()], reasons: 1 };
    let meanings = [
        Meanings { of: "status in customer_risk", values: values::<CustomerStatus>() },
        Meanings { of: "decision_reason", values: values::<DecisionReason>() },
        Meanings { of: "type", values: values::<ColumnType>() },
    ];
    let reasons: Vec<String> = values::<DecisionReason>().into_iter().map(|(value, _)| value).collect();
    let decisions = table::campaign_allocations();
    let column = decisions.columns.iter().find(|column| column.name == "decision_reason").unwrap();
    assert_eq!(column.comment, format!("The first that applies: {}", reasons.join(", ")));
    assert_page("tables.md", &super::tables::page(TABLES, &shape, &meanings));
}

/// Compares a page with its file, which is written first where that is asked for.
fn assert_page(name: &str, expected: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(name);
    if std::env::var("MAINSTAY_WRITE_DOCS").is_ok_and(|value| value == "1") {
        std::fs::write(&file, expected).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == expected, "docs/reference/{name} is not what the code says: see its head");
}

#[test]
fn a_schema_is_a_section_for_each_mapping() {
    let schema = json!({
        "properties": {
            "name": {"type": "string", "description": "Its\nname."},
            "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}, "description": "Its parts.", "default": []},
            "by_name": {"type": ["object", "null"], "additionalProperties": {"$ref": "#/$defs/Part"}},
            "share": {"title": "share", "type": ["number", "null"], "default": 2.0},
            "rule": {"type": "object", "default": {"purpose": "news", "days": 3}},
            "free": {"type": "object", "default": {}},
        },
        "required": ["name"],
        "$defs": {
            "Part": {
                "description": "A part.",
                "properties": {
                    "mode": {"$ref": "#/$defs/Mode", "description": "How.", "default": "slow"},
                    "kind": {"anyOf": [{"$ref": "#/$defs/Kind"}, {"type": "null"}]},
                    "value": {"anyOf": [{"type": "boolean"}, {"type": "integer"}]},
                },
                "required": ["value"],
            },
            "Mode": {"oneOf": [
                {"const": "fast", "description": "At once."},
                {"const": "slow", "description": "Later | never."},
            ]},
            "Kind": {"description": "A kind.", "oneOf": [
                {"const": "a", "description": "A."},
                {"const": "b", "description": "B."},
                {"const": "c", "description": "C."},
                {"properties": {"d": {"type": "array", "items": {"type": "string"}}}, "description": "D."},
            ]},
        },
    });
    let expected = "
## Keys

| key | type | default | meaning |
|---|---|---|---|
| `name` | text | required | Its name. |
| `parts` | [list](#parts) | none | Its parts. |
| `by_name` | [mapping of names](#parts) | none |  |
| `share` | share | `2` |  |
| `rule` | mapping | `{purpose: news, days: 3}` |  |
| `free` | mapping | none |  |

## parts

A part. A list; each entry has these keys.

| key | type | default | meaning |
|---|---|---|---|
| `mode` | `fast` or `slow` | `slow` | How. `fast`: At once. `slow`: Later \\| never. |
| `kind` | [one of these](#partskind) | none |  |
| `value` | true or false or whole number | required |  |

## parts.kind

A kind.

| value | meaning |
|---|---|
| `a` | A. |
| `b` | B. |
| `c` | C. |
| `d:` and list of text | D. |
";
    assert_eq!(super::schema::sections(&schema), expected);
}
