//! The page of the published tables.

use mainstay_schema::table::{DayShape, PublishedTable, TABLES, TableContract, Written};

use super::head;
use crate::markdown::{code, table};

/// Values with their meanings, such as those of a column.
#[derive(Debug, Clone)]
pub struct Meanings<'a> {
    /// What they are values of.
    pub of: &'a str,
    /// Each value and what it means.
    pub values: Vec<(String, String)>,
}

/// The page of all tables of a day of some shape: the columns of each in order, and what some values mean.
pub fn page(introduction: &str, shape: &DayShape, meanings: &[Meanings<'_>]) -> String {
    let mut page = head("Published tables", "`crates/mainstay-schema/src/table.rs`", introduction);
    page.extend(TABLES.iter().map(|table| section(table, &(table.contract)(shape))));
    page.extend(meanings.iter().map(|Meanings { of, values }| {
        let rows = values.iter().map(|(value, meaning)| vec![code(value), meaning.replace('|', "\\|")]);
        format!("\n## Values of {of}\n\n{}", table(&["value", "meaning"], 2, rows))
    }));
    page
}

fn section(published: &PublishedTable, contract: &TableContract) -> String {
    let TableContract { name, comment, key, allows_repeats, columns } = contract;
    let written = match published.written {
        Written::ByCustomer => "Each day is committed as a whole; every known customer has one row.",
        Written::ByDay => "Each day is committed as a whole.",
        Written::Appended => "Rows are appended and never changed.",
    };
    let key: Vec<String> = std::iter::once("ds").chain(key.iter().map(String::as_str)).map(code).collect();
    let repeats = if *allows_repeats { "; equal rows may stand several times" } else { "" };
    let verified = match published.verified_by {
        [] => String::new(),
        checks => format!("`mainstay verify` works it out anew in: {}.\n\n", checks.join(", ")),
    };
    let answer = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let rows = columns.iter().map(|column| {
        vec![
            code(&column.name.replace("reason_1_", "reason_<1 to 4>_")),
            column.column_type.to_string(),
            answer(column.nullable),
            answer(!column.volatile),
            column.comment.replace('|', "\\|"),
        ]
    });
    let columns = table(&["column", "type", "may be null", "in the digest", "meaning"], 5, rows);
    format!("\n## {name}\n\n{comment}. {written}\n\nKey: {}{repeats}.\n\n{verified}{columns}", key.join(", "))
}
