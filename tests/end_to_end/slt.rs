//! Edge data and their defined outcome: the files of `tests/slt`, run over the SQL of the reference project.
//!
//! A file is in the format of sqllogictest, read by [`script`]; the crate of that name is not used because it would build
//! the engine a second time, with other features than the command has. [`database`] is what the scripts speak to.

mod database;
mod script;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use database::Database;
use script::{Expected, Record};

use crate::harness::root;

/// The cases that all files together have at least.
const FEWEST_CASES: usize = 60;

/// A test for every file, and one that no file is left out.
macro_rules! scripts {
    ($($name:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                run(concat!(stringify!($name), ".slt")).await;
            }
        )+

        #[test]
        fn every_script_is_run_and_the_cases_are_many() {
            let listed: BTreeSet<String> = [$(concat!(stringify!($name), ".slt").to_owned()),+].into();
            let found = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            assert_eq!(found.collect::<BTreeSet<_>>(), listed);
            let cases: usize = listed.iter().map(|file| cases(&read(file))).sum();
            assert!(cases >= FEWEST_CASES, "{cases} cases");
        }
    };
}

scripts!(
    aggregates,
    conflicts,
    contact_rules,
    contracts,
    functions,
    labels,
    late,
    later_values,
    money,
    other_features,
    population,
    text,
    windows,
);

fn folder() -> PathBuf {
    root().join("tests/slt")
}

fn read(file: &str) -> Vec<Record> {
    let text = fs::read_to_string(folder().join(file)).unwrap();
    script::parse(&text).unwrap_or_else(|error| panic!("tests/slt/{file}:{error}"))
}

fn cases(records: &[Record]) -> usize {
    records.iter().map(|record| &record.case).collect::<BTreeSet<_>>().len()
}

/// Runs every record, and then tells of all that gave something else.
async fn run(file: &str) {
    let mut database = Database::new().await.unwrap();
    let mut failures = Vec::new();
    for record in read(file) {
        if let Err(difference) = check(&mut database, &record).await {
            failures.push(format!("tests/slt/{file}:{}: {}\n{}\n{difference}", record.line, record.case, record.sql));
        }
    }
    assert!(failures.is_empty(), "{} records failed\n\n{}", failures.len(), failures.join("\n\n"));
}

async fn check(database: &mut Database, record: &Record) -> Result<(), String> {
    let is_query = record.sql.starts_with("select") || record.sql.starts_with("with");
    match &record.expected {
        Expected::Done => database.execute(&record.sql).await.map_err(|error| error.to_string()),
        Expected::Failure { part } => {
            let failed = if is_query {
                database.query(&record.sql).await.map(drop)
            } else {
                database.execute(&record.sql).await
            };
            match failed {
                Ok(()) => Err(format!("did not fail, expected: {part}")),
                Err(error) if error.to_string().contains(part) => Ok(()),
                Err(error) => Err(format!("expected: {part}\n   found: {error}")),
            }
        }
        Expected::Rows { types, is_sorted_first, rows } => {
            let mut answer = database.query(&record.sql).await.map_err(|error| error.to_string())?;
            if *is_sorted_first {
                answer.rows.sort_unstable();
            }
            if answer.rows == *rows && answer.types == *types {
                return Ok(());
            }
            let shown = |types: &str, rows: &[String]| format!("{types}\n  {}", rows.join("\n  "));
            Err(format!("expected {}\nfound {}", shown(types, rows), shown(&answer.types, &answer.rows)))
        }
    }
}
