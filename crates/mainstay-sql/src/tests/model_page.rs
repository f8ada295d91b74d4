//! The page of the `.yml` beside a model of SQL, which is written from the type that reads it.

use std::path::Path;

use mainstay_report::reference::YamlFile;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::project::model::Description;

const FILE: YamlFile<'_> = YamlFile {
    name: "model",
    title: "Model of SQL",
    made_from: "the types of `crates/mainstay-sql`",
    introduction: "\
The file `sql/<folder>/<name>.yml` beside `<name>.sql`: what its rows and columns mean, and what must hold of them. How to write one is in
[your own SQL](../guide/your-own-sql.md), what the models of `sql/staging` must have in [the canonical models](canonical-models.md). A key
that is not on this page is refused.",
};

fn schema(settings: SchemaSettings) -> Value {
    settings.into_generator().into_root_schema_for::<Description>().to_value()
}

fn assert_page(name: &str, expected: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(name);
    if std::env::var("MAINSTAY_WRITE_DOCS").is_ok_and(|value| value == "1") {
        std::fs::write(&file, expected).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == expected, "docs/reference/{name} is not what the types say: see the head of its page");
}

#[test]
fn the_page_of_models_is_what_the_types_say() {
    assert_page("model.md", &FILE.page(&schema(SchemaSettings::draft2020_12())));
    let editor_schema = FILE.editor_schema(schema(SchemaSettings::draft07()));
    assert_page("schema/model.schema.json", &format!("{}\n", serde_json::to_string_pretty(&editor_schema).unwrap()));
}
