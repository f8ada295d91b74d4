//! Reference pages: the keys of a YAML file from its JSON schema, and the published tables from their contracts.

use serde_json::Value;

mod schema;
pub mod tables;

/// What writes all pages anew that are made from code.
pub const WRITTEN_BY: &str = "MAINSTAY_WRITE_DOCS=1 cargo test --workspace --lib -- the_page";

/// The head of a page: its title, where its words come from, and what it is about.
pub fn head(title: &str, made_from: &str, introduction: &str) -> String {
    let introduction = introduction.trim_end();
    format!(
        "# {title}\n\nWritten from {made_from} by a test: change it there, and write all such pages again with\n`{WRITTEN_BY}`.\n\n\
         {introduction}\n"
    )
}

/// A kind of YAML file.
#[derive(Debug, Clone, Copy)]
pub struct YamlFile<'a> {
    /// What its page and its schema are called, without ending.
    pub name: &'a str,
    /// The title of both.
    pub title: &'a str,
    /// Where its words come from.
    pub made_from: &'a str,
    /// What the page says first.
    pub introduction: &'a str,
}

impl YamlFile<'_> {
    /// The page of its keys: those of the file, and then each mapping below the key that holds it.
    ///
    /// The schema is JSON Schema of the draft 2020-12 as `schemars` writes it: definitions below `$defs`, descriptions and defaults beside
    /// `$ref`.
    pub fn page(&self, schema: &Value) -> String {
        let Self { name, title, made_from, introduction } = self;
        let head = head(title, made_from, introduction);
        format!(
            "{head}\nEditors complete and check the keys by [schema/{name}.schema.json](schema/{name}.schema.json): see\n\
             [how](README.md#in-your-editor).\n{}",
            schema::sections(schema)
        )
    }

    /// The schema as editors read it: with its title, each description on one line. They all know draft 07.
    pub fn editor_schema(&self, mut schema: Value) -> Value {
        if let Some(members) = schema.as_object_mut() {
            members.insert("title".to_owned(), self.title.into());
        }
        unwrap_lines(&mut schema);
        schema
    }
}

/// Makes one line of each description: a docstring has lines where the code has them.
fn unwrap_lines(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(text)) = members.get_mut("description") {
                *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            }
            members.values_mut().for_each(unwrap_lines);
        }
        Value::Array(items) => items.iter_mut().for_each(unwrap_lines),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
