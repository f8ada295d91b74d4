//! The sections of a YAML file: one for each mapping that it may hold, in it a row for each key.

use serde_json::{Map, Value};

use crate::markdown::table;

/// Values with meanings stand behind the key that has them; more than so many have a section of their own.
const MOST_INLINE: usize = 3;

/// The sections of a file that keeps a schema, as Markdown: first its own keys, then each mapping below the key that holds it.
///
/// The schema is JSON Schema as `schemars` writes it: definitions below `$defs`, descriptions and defaults beside `$ref`.
pub(super) fn sections(schema: &Value) -> String {
    let mut page = Page { root: schema, sections: Vec::new() };
    page.collect("", schema);
    page.sections.iter().map(|section| page.section(section)).collect()
}

struct Page<'a> {
    root: &'a Value,
    sections: Vec<Section<'a>>,
}

/// A mapping, or values with meanings.
struct Section<'a> {
    /// The keys that lead to it, with points between; empty for the file itself.
    path: String,
    repeats: Repeats,
    schema: &'a Value,
}

/// How often something stands behind its key.
#[derive(Clone, Copy)]
enum Repeats {
    Once,
    List,
    Names,
}

impl<'a> Page<'a> {
    /// Takes down a mapping and all below it, in the order of its keys.
    fn collect(&mut self, path: &str, schema: &'a Value) {
        if path.is_empty() {
            self.sections.push(Section { path: String::new(), repeats: Repeats::Once, schema });
        }
        for (key, value) in properties(schema) {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let (repeats, held) = self.held(value);
            if has_section(held) && self.section_of(held).is_none() {
                self.sections.push(Section { path: path.clone(), repeats, schema: held });
                self.collect(&path, held);
            }
        }
    }

    /// What a key holds, behind lists, names, references and the possibility of null.
    fn held(&self, value: &'a Value) -> (Repeats, &'a Value) {
        let value = self.resolved(value);
        if let Some(item) = value.get("items") {
            return (Repeats::List, self.resolved(item));
        }
        match value.get("additionalProperties") {
            Some(item @ Value::Object(_)) => (Repeats::Names, self.resolved(item)),
            _ => (Repeats::Once, value),
        }
    }

    fn resolved(&self, value: &'a Value) -> &'a Value {
        if let Some(name) = value.get("$ref").and_then(Value::as_str) {
            return self.root.pointer(name.trim_start_matches('#')).unwrap_or(value);
        }
        match present(value, "anyOf").as_slice() {
            [only] => self.resolved(only),
            _ => value,
        }
    }

    fn section_of(&self, schema: &Value) -> Option<&Section<'a>> {
        self.sections.iter().find(|section| std::ptr::eq(section.schema, schema))
    }

    fn section(&self, section: &Section<'a>) -> String {
        let Section { path, repeats, schema } = section;
        let is_mapping = !properties(schema).is_empty();
        let rows = if is_mapping { self.keys(schema) } else { self.values(schema) };
        if path.is_empty() {
            return format!("\n## Keys\n\n{rows}");
        }
        let each = match repeats {
            Repeats::Once => "",
            Repeats::List if is_mapping => " A list; each entry has these keys.",
            Repeats::List => " A list; each entry is one of these.",
            Repeats::Names => " Entries by name; each has these keys.",
        };
        format!("\n## {path}\n\n{}{each}\n\n{rows}", text(schema))
    }

    fn keys(&self, schema: &'a Value) -> String {
        let required: Vec<&str> = array(schema, "required").filter_map(Value::as_str).collect();
        let rows = properties(schema).into_iter().map(|(key, value)| {
            let default = if required.contains(&key.as_str()) { "required".to_owned() } else { default(value) };
            vec![format!("`{key}`"), self.type_of(value), default, self.meaning(value)]
        });
        table(&["key", "type", "default", "meaning"], 4, rows)
    }

    fn values(&self, schema: &'a Value) -> String {
        let rows = array(schema, "oneOf").map(|variant| vec![self.variant(variant), cell(&text(variant))]);
        table(&["value", "meaning"], 2, rows)
    }

    /// A value that may stand there: a word, or a key with a value of its own.
    fn variant(&self, variant: &'a Value) -> String {
        match properties(variant).as_slice() {
            [(key, value)] => format!("`{key}:` and {}", self.type_of(value)),
            _ => constant(variant),
        }
    }

    fn type_of(&self, value: &'a Value) -> String {
        let (repeats, held) = self.held(value);
        if let Some(section) = self.section_of(held) {
            let noun = match (repeats, properties(held).is_empty()) {
                (Repeats::Once, false) => "mapping",
                (Repeats::Once, true) => "one of these",
                (Repeats::List, _) => "list",
                (Repeats::Names, _) => "mapping of names",
            };
            return format!("[{noun}](#{})", anchor(&section.path));
        }
        let of = self.plain_type(held);
        match repeats {
            Repeats::Once => of,
            Repeats::List => format!("list of {of}"),
            Repeats::Names => format!("mapping of names to {of}"),
        }
    }

    /// The type of what has no section.
    fn plain_type(&self, held: &'a Value) -> String {
        if let Some(title) = held.get("title").and_then(Value::as_str) {
            return title.to_owned();
        }
        let (variants, options) = (present(held, "oneOf"), present(held, "anyOf"));
        let words: Vec<String> = match held.get("type") {
            _ if held.get("const").is_some() => vec![constant(held)],
            _ if !variants.is_empty() => variants.into_iter().map(|variant| self.variant(variant)).collect(),
            _ if !options.is_empty() => options.into_iter().map(|option| self.type_of(option)).collect(),
            Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).filter_map(word).collect(),
            Some(Value::String(name)) => word(name).into_iter().collect(),
            _ => Vec::new(),
        };
        joined(&words)
    }

    /// What a key means, and each of the few values that it may have.
    fn meaning(&self, value: &'a Value) -> String {
        let own = text(value);
        let (_, held) = self.held(value);
        if self.section_of(held).is_some() {
            return cell(&own);
        }
        let variants = array(held, "oneOf").filter(|variant| !text(variant).is_empty());
        let said = variants.map(|variant| format!("{}: {}", self.variant(variant), text(variant)));
        cell(&std::iter::once(own).chain(said).collect::<Vec<_>>().join(" "))
    }
}

fn has_section(schema: &Value) -> bool {
    !properties(schema).is_empty() || array(schema, "oneOf").count() > MOST_INLINE
}

fn properties(schema: &Value) -> Vec<(&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).map(Map::iter).into_iter().flatten().collect()
}

fn array<'a>(schema: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    schema.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// The possibilities below a key, but for null.
fn present<'a>(schema: &'a Value, key: &str) -> Vec<&'a Value> {
    array(schema, key).filter(|possible| possible.get("type").and_then(Value::as_str) != Some("null")).collect()
}

fn word(name: &str) -> Option<String> {
    let word = match name {
        "string" => "text",
        "integer" => "whole number",
        "number" => "number",
        "boolean" => "true or false",
        "object" => "mapping",
        "array" => "list",
        _ => return None,
    };
    Some(word.to_owned())
}

fn constant(schema: &Value) -> String {
    schema.get("const").map(|value| format!("`{}`", scalar(value))).unwrap_or_default()
}

/// What holds where a key is left out.
fn default(value: &Value) -> String {
    match value.get("default") {
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::Array(items)) if items.is_empty() => "none".to_owned(),
        Some(Value::Object(members)) if members.values().all(is_nothing) => "none".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "none".to_owned(),
        Some(Value::Object(members)) if members.len() > MOST_INLINE => "its own defaults".to_owned(),
        Some(Value::Object(members)) => {
            let members: Vec<String> = members.iter().map(|(key, value)| format!("{key}: {}", scalar(value))).collect();
            format!("`{{{}}}`", members.join(", "))
        }
        Some(value) => format!("`{}`", scalar(value)),
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// A value as YAML writes it; a whole number has no point, whatever it is held in.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string()),
        value => value.to_string(),
    }
}

/// The description of a schema, on one line.
fn text(schema: &Value) -> String {
    let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    description.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn joined(words: &[String]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        words => words.concat(),
    }
}

/// What GitHub makes of a heading to jump to.
fn anchor(heading: &str) -> String {
    heading.chars().filter(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-')).collect()
}
