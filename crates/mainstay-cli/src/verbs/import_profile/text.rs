//! The profile of a source.

use std::path::Path;

use mainstay_job::profile::{ColumnProfile, SourceProfile, TableProfile};

use crate::render::{percent, table};

/// The profile for people: the columns of each table, then what looks wrong.
pub(super) fn text(profile: &SourceProfile, file: Option<&Path>) -> String {
    let tables: String = profile.tables.iter().map(|table| columns(&profile.source, table)).collect();
    let written = file.map(|file| format!("written to {}\n", file.display())).unwrap_or_default();
    tables + &findings(profile) + &written
}

fn columns(source: &str, of: &TableProfile) -> String {
    let rows = of.columns.iter().map(|column| {
        let quantile = |name: &str| column.quantiles.get(name).map(|value| short(value)).unwrap_or_default();
        vec![
            column.name.clone(),
            column.type_name.clone(),
            missing(column, of.rows),
            distinct(column),
            column.least.as_deref().map(short).unwrap_or_default(),
            quantile("q50"),
            column.greatest.as_deref().map(short).unwrap_or_default(),
            frequent(column),
        ]
    });
    let files = if of.files == 1 { "1 file".to_owned() } else { format!("{} files", of.files) };
    let header = ["column", "type", "missing", "distinct", "least", "median", "greatest", "most frequent"];
    format!(
        "{source}.{}: {} rows, {files}, times and dates of {}, key {}\n{}\n",
        of.table,
        of.rows,
        of.time_zone,
        of.key.join(", "),
        table(&header, &[2, 3, 4, 5, 6], rows)
    )
}

fn missing(column: &ColumnProfile, rows: u64) -> String {
    match (column.missing, rows) {
        (0, _) | (_, 0) => String::new(),
        (missing, rows) => percent(missing as f64 / rows as f64),
    }
}

fn distinct(column: &ColumnProfile) -> String {
    let about = if column.distinct.is_exact { "" } else { "about " };
    format!("{about}{}", column.distinct.values)
}

/// An instant of midnight as its day, and others to the second.
fn short(value: &str) -> String {
    match value.strip_suffix("T00:00:00Z") {
        Some(day) => day.to_owned(),
        None => value
            .split_once('T')
            .and_then(|(day, time)| Some(format!("{day} {}", time.get(..8)?)))
            .unwrap_or_else(|| value.to_owned()),
    }
}

fn frequent(column: &ColumnProfile) -> String {
    match (column.is_declared, column.is_shown) {
        (false, _) => "(not declared)".to_owned(),
        (true, false) => "(personal)".to_owned(),
        (true, true) => {
            let most = column.frequent.iter().take(3).map(|of| format!("{} ({})", short(&of.value), of.rows));
            most.collect::<Vec<_>>().join(", ")
        }
    }
}

fn findings(profile: &SourceProfile) -> String {
    let rows = profile.tables.iter().flat_map(|of| {
        of.findings.iter().map(|finding| {
            vec![
                of.table.clone(),
                finding.column.clone().unwrap_or_default(),
                finding.suspicion.label().to_owned(),
                finding.rows.map(|rows| rows.to_string()).unwrap_or_default(),
                finding.message.clone(),
            ]
        })
    });
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        return format!("nothing looks wrong with {} before {}\n", profile.source, profile.ds);
    }
    format!(
        "{} findings before {}\n{}",
        rows.len(),
        profile.ds,
        table(&["table", "column", "suspicion", "rows", "what to do"], &[3], rows)
    )
}
