//! `docs/tables.md` says what the list of published tables says.

use std::fmt::Write;
use std::path::Path;

use mainstay_schema::table::{Column, ColumnType, DayShape, PublishedTable, TABLES, TableContract, Written};

/// A day with a feature and a reason, for the columns of which there may be several.
fn shape() -> DayShape {
    let comment = "Each feature of the model, as the project describes it";
    DayShape { features: vec![Column::new("<feature>", ColumnType::Double, comment).nullable()], reasons: 1 }
}

fn document() -> Result<String, std::fmt::Error> {
    let mut text = String::from(
        "# Published tables\n\n\
         Ordinary Delta tables below the target, partitioned by `ds`. The tables of a day are committed in this order, and its record in `runs` \
         is written last. This page is written from the contracts in `crates/mainstay-schema/src/table.rs`: after a change there, \
         `MAINSTAY_WRITE=1 cargo test -p mainstay-schema --test tables_document` writes it anew.\n",
    );
    for table in &TABLES {
        section(&mut text, table, &(table.contract)(&shape()))?;
    }
    Ok(text)
}

fn section(text: &mut String, table: &PublishedTable, contract: &TableContract) -> std::fmt::Result {
    let TableContract { name, comment, key, allows_repeats, columns } = contract;
    let written = match table.written {
        Written::ByCustomer => "Each day is committed as a whole; every known customer has one row.",
        Written::ByDay => "Each day is committed as a whole.",
        Written::Appended => "Rows are appended and never changed.",
    };
    writeln!(text, "\n## {name}\n\n{comment}. {written}\n")?;
    let key: Vec<String> =
        ["ds"].into_iter().chain(key.iter().map(String::as_str)).map(|key| format!("`{key}`")).collect();
    let repeats = if *allows_repeats { "; equal rows may stand several times" } else { "" };
    writeln!(text, "Key: {}{repeats}.\n", key.join(", "))?;
    if !table.verified_by.is_empty() {
        writeln!(text, "`mainstay verify` works it out anew in: {}.\n", table.verified_by.join(", "))?;
    }
    writeln!(text, "| column | type | null | holds |\n|---|---|---|---|")?;
    for Column { name, column_type, nullable, comment, .. } in columns {
        let name = name.replace("reason_1_", "reason_<1 to 4>_");
        writeln!(text, "| `{name}` | {column_type} | {} | {comment} |", if *nullable { "yes" } else { "" })?;
    }
    Ok(())
}

#[test]
fn the_page_of_the_tables_is_that_of_their_contracts() {
    let document = document().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tables.md");
    if std::env::var_os("MAINSTAY_WRITE").is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, document, "write it anew with MAINSTAY_WRITE=1, see its first lines");
}

#[test]
fn names_stand_once_and_a_day_ends_with_what_was_decided() {
    let mut names: Vec<String> = TABLES.iter().map(PublishedTable::name).collect();
    let of_day: Vec<String> = PublishedTable::of_day().map(PublishedTable::name).collect();
    assert_eq!(of_day, ["quarantine", "customer_features", "customer_risk", "campaign_allocations"]);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), TABLES.len());
}
