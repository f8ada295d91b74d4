//! The reference pages and schemas of all YAML that this crate reads, written from its types; the files of the repository keep them.

use std::fs;
use std::path::{Path, PathBuf};

use mainstay_report::reference::YamlFile;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::keeps::faults;
use crate::settings::ProjectFile;
use crate::{DailyJob, OfferPolicy, Policy, TrainingJob};

/// A kind of file, and the schema of what is read.
struct FileKind {
    file: YamlFile<'static>,
    schema: fn(SchemaSettings) -> Value,
}

const fn kind(
    name: &'static str,
    title: &'static str,
    schema: fn(SchemaSettings) -> Value,
    introduction: &'static str,
) -> FileKind {
    FileKind {
        file: YamlFile { name, title, made_from: "the types of `crates/mainstay-config`", introduction },
        schema,
    }
}

const KINDS: [FileKind; 5] = [
    kind(
        "project",
        "mainstay.yml",
        of::<ProjectFile>,
        "\
The file `mainstay.yml` of a project: its sources with their contracts, its targets, its variables. How to write one is in
[your own Parquet](../guide/your-own-parquet.md). A key that is not on this page is refused.

A project takes from the one that it `extends` each of `targets`, `default_target`, `currency`, `sources` and `consent_default` that it
leaves out; one that extends none states them all. Paths are templates, in which `{{ var('name') }}` is a variable and
`{{ env_var('NAME') }}` a variable of the environment.",
    ),
    kind(
        "daily-job",
        "Daily job",
        of::<DailyJob>,
        "\
A file `jobs/<name>.yml` of `kind: daily`: what `mainstay run <name>` does for a day. How to run it every night is in
[every night](../guide/every-night.md), what stops it in [when the breaker stops the day](../guide/when-the-breaker-stops.md). A key that is
not on this page is refused.",
    ),
    kind(
        "training-job",
        "Training job",
        of::<TrainingJob>,
        "\
A file `jobs/<name>.yml` of `kind: training`: how a model is learnt and judged. How to go about it is in
[training and promotion](../guide/training-and-promotion.md). A key that is not on this page is refused.",
    ),
    kind(
        "policy",
        "Policy",
        of::<Policy>,
        "\
The file below `jobs` that a daily job names as its `policy`. How to write one is in
[policies and budgets](../guide/policies-and-budgets.md). A key that is not on this page is refused. Amounts are in the project's currency,
`50000` or `12.50`; keys that end in `_cents` are whole cents. A share is a number from 0 to 1 with at most six decimals.",
    ),
    kind(
        "offer-policy",
        "Policy of offers of your own",
        of::<OfferPolicy>,
        "\
The file that `mainstay allocate --policy` reads; the smallest one is the line `budget_cents: 5000000`. How to use it is in
[models and files of your own](../guide/models-and-files.md#plan-offers-of-your-own). A key that is not on this page is refused. A
share is a number from 0 to 1 with at most six decimals.",
    ),
];

fn of<T: JsonSchema>(settings: SchemaSettings) -> Value {
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compares a file with what it must be, which is written first where that is asked for.
fn assert_page(name: &str, expected: &str) {
    let file = root().join("docs/reference").join(name);
    if std::env::var("MAINSTAY_WRITE_DOCS").is_ok_and(|value| value == "1") {
        fs::write(&file, expected).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(written == expected, "docs/reference/{name} is not what the types say: see the head of its page");
}

fn editor_schema(kind: &FileKind) -> Value {
    kind.file.editor_schema((kind.schema)(SchemaSettings::draft07()))
}

#[test]
fn the_pages_of_yaml_are_what_the_types_say() {
    for kind in &KINDS {
        let name = kind.file.name;
        assert_page(&format!("{name}.md"), &kind.file.page(&(kind.schema)(SchemaSettings::draft2020_12())));
        let editor_schema = serde_json::to_string_pretty(&editor_schema(kind)).unwrap();
        assert_page(&format!("schema/{name}.schema.json"), &format!("{editor_schema}\n"));
    }
}

/// Whoever reads the pages need not know Rust.
#[test]
fn every_key_is_described_in_plain_words() {
    fn check(schema: &Value, at: &str) {
        if let Some(description) = schema.get("description").and_then(Value::as_str) {
            let is_plain = ["[`", "::", "](", "`None`", "`Some`"].iter().all(|rust| !description.contains(rust));
            assert!(is_plain, "{at}: {description}");
        }
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            assert!(property.get("description").is_some(), "{at}: `{name}` has no docstring");
        }
        match schema {
            Value::Object(members) => members.iter().for_each(|(name, member)| check(member, &format!("{at}/{name}"))),
            Value::Array(members) => members.iter().for_each(|member| check(member, at)),
            _ => {}
        }
    }
    KINDS.iter().for_each(|kind| check(&(kind.schema)(SchemaSettings::draft2020_12()), kind.file.name));
}

/// The folders of the repository that are projects.
fn projects() -> Vec<PathBuf> {
    let below = |folder: &str| {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    [vec![root()], below("tests/projects"), below("examples")].concat()
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "yml")).collect()
}

fn read(file: &Path) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn schema_of(name: &str) -> Value {
    editor_schema(KINDS.iter().find(|kind| kind.file.name == name).unwrap())
}

#[test]
fn every_yaml_file_of_the_repository_keeps_its_schema() {
    let mut kept: Vec<&str> = Vec::new();
    let mut keep = |name: &'static str, file: &Path| {
        assert_eq!(faults(&schema_of(name), &read(file)), Vec::<String>::new(), "{}", file.display());
        kept.push(name);
    };
    for project in projects() {
        for file in yaml_files(&project) {
            let is_project = file.file_name().is_some_and(|name| name == "mainstay.yml");
            keep(if is_project { "project" } else { "offer-policy" }, &file);
        }
        for file in yaml_files(&project.join("jobs")) {
            let is_daily = read(&file)["kind"] == "daily";
            keep(if is_daily { "daily-job" } else { "training-job" }, &file);
        }
        yaml_files(&project.join("jobs/policies")).iter().for_each(|file| keep("policy", file));
    }
    for name in KINDS.iter().map(|kind| kind.file.name) {
        assert!(kept.contains(&name), "no file of the repository is of the kind {name}");
    }
}

/// Their type is one of `mainstay-sql`, whose tests hold the schema that is read here.
#[test]
fn every_description_of_sql_keeps_its_schema() {
    let file = root().join("docs/reference/schema/model.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let mut kept = 0;
    for project in projects() {
        for folder in ["staging", "features", "labels", "marts"] {
            for file in yaml_files(&project.join("sql").join(folder)) {
                assert_eq!(faults(&schema, &read(&file)), Vec::<String>::new(), "{}", file.display());
                kept += 1;
            }
        }
    }
    assert!(kept > 30, "{kept} files");
}

#[test]
fn what_is_refused_is_refused_by_the_schema_too() {
    let job = |change: fn(&mut Value)| {
        let mut job = read(&root().join("jobs/daily_risk.yml"));
        change(&mut job);
        faults(&schema_of("daily-job"), &job)
    };
    assert_eq!(job(|_| {}), Vec::<String>::new());
    assert_eq!(job(|job| job["feature"] = "x".into()), ["feature: unknown key"]);
    assert_eq!(job(|job| job["schedule"]["zone"] = "UTC".into()), ["schedule.zone: unknown key"]);
    assert_eq!(
        job(|job| job["circuit_breaker"]["rows_lost_at_most"] = "much".into()),
        ["circuit_breaker.rows_lost_at_most: no number"]
    );
    assert_eq!(job(|job| job["kind"] = "training".into()), ["kind: not \"daily\""]);
    assert_eq!(job(|job| drop(job.as_object_mut().unwrap().remove("model"))), ["model: missing"]);
}
