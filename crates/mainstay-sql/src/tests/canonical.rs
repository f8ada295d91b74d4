//! The page of the canonical models, which is written from what the reference project declares.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use mainstay_config::{Project, VarOverrides};
use mainstay_report::reference;

use super::fixture::context;
use crate::{AcceptedValue, ColumnDoc, ColumnTest, Model, ModelKind, SqlProject};

const INTRODUCTION: &str = "\
A project that `extends` the reference project brings its sources in `mainstay.yml` and, for each model below, one query
`sql/staging/<model>.sql` over them. Features, labels and marts read these models and nothing of the sources, so what stands here holds
whoever writes the SQL, with or without a `.yml` of one's own beside it:

- Every column must be there, unless it may be left out. More columns are fine.
- Types are checked before anything runs. One of the same kind is cast: any width of whole numbers, decimals with at most two decimals for
  `money`, timestamps in any zone (without one they are in UTC), a bare `null`. A number out of the range of its type stops the run.
- Keys and rules are tested on the rows of every day, and a day on which one fails is not published. Nulls keep every rule but `not null`.
- A `.yml` of one's own describes the columns in one's own words, may add rules, and may list other values. It cannot take a column, a type
  or a rule away.
";

/// A page for those who write staging models.
fn page(project: &SqlProject) -> String {
    let staging = project.models().filter(|model| model.kind == ModelKind::Staging);
    let (absent, needed): (Vec<&Model>, Vec<&Model>) = staging.partition(|model| model.when_absent.is_some());
    let mut page = reference::head("The canonical models", "`sql/staging/*.yml`", INTRODUCTION);
    page.push_str("\n## Models that a project must bring\n");
    needed.into_iter().for_each(|model| write_model(&mut page, model));
    page.push_str(
        "\n## Models that may be absent\n\nA project without one of these sees a table without rows in its place.\n",
    );
    absent.into_iter().for_each(|model| write_model(&mut page, model));
    page
}

fn write_model(page: &mut String, model: &Model) {
    writeln!(page, "\n### {}\n\n{}", model.name, model.description.trim()).unwrap();
    match model.grain.as_slice() {
        [] => writeln!(page, "\nNo key: rows may repeat.\n").unwrap(),
        key => {
            writeln!(page, "\nKey: {}.\n", key.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
                .unwrap();
        }
    }
    page.push_str("| column | type | rules | meaning |\n|---|---|---|---|\n");
    for column in &model.columns {
        let declared = column.column_type.map_or_else(String::new, |declared| declared.to_string());
        writeln!(page, "| `{}` | {declared} | {} | {} |", column.name, rules(column), column.description).unwrap();
    }
}

fn rules(column: &ColumnDoc) -> String {
    let value = |value: &AcceptedValue| match value {
        AcceptedValue::Boolean(value) => value.to_string(),
        AcceptedValue::Integer(value) => value.to_string(),
        AcceptedValue::Text(value) => format!("`{value}`"),
    };
    let rule = |test: &ColumnTest| match test {
        ColumnTest::NotNull => "not null".to_owned(),
        ColumnTest::Unique => "unique".to_owned(),
        ColumnTest::AcceptedValues(values) => {
            format!("one of {}", values.iter().map(value).collect::<Vec<_>>().join(", "))
        }
        ColumnTest::Minimum(least) => format!("at least {least}"),
        ColumnTest::Maximum(most) => format!("at most {most}"),
    };
    let may_lack = column.optional.then(|| "may be left out".to_owned());
    may_lack.into_iter().chain(column.tests.iter().map(rule)).collect::<Vec<_>>().join("; ")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

async fn reference_project() -> SqlProject {
    let project = Project::load(&root(), &VarOverrides::default(), None).unwrap();
    SqlProject::load(&context(), &project).await.unwrap()
}

#[tokio::test]
async fn the_page_of_the_canonical_models_is_what_they_declare() {
    let file = root().join("docs/reference/canonical-models.md");
    let expected = page(&reference_project().await);
    if std::env::var("MAINSTAY_WRITE_DOCS").is_ok_and(|value| value == "1") {
        std::fs::write(&file, &expected).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == expected,
        "docs/reference/canonical-models.md is not what sql/staging/*.yml declares: see its head"
    );
}

#[tokio::test]
async fn every_canonical_column_has_a_type() {
    let project = reference_project().await;
    for model in project.models().filter(|model| model.kind == ModelKind::Staging) {
        let untyped: Vec<&str> = model
            .columns
            .iter()
            .filter(|column| column.column_type.is_none())
            .map(|column| column.name.as_str())
            .collect();
        assert!(untyped.is_empty(), "{}: {untyped:?}", model.name);
    }
}
