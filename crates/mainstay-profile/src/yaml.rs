//! A profile as a findings file: YAML with comments, the same text for the same data.

use std::fmt::Write;

use crate::column::{ColumnProfile, Distinct};
use crate::table::{SourceProfile, TableProfile};

/// What every findings file begins with.
pub const FIRST_LINE: &str = "# What the source holds and what looks wrong with it, by `mainstay import-profile`.";

/// The findings file of a source.
pub fn findings_file(profile: &SourceProfile) -> String {
    let mut text = format!(
        "{FIRST_LINE}\n\
         # Written anew by each profile: correct mainstay.yml or the staging SQL, not this file. Values of personal and of undeclared\n\
         # columns are counted and never shown.\n\
         source: {}\nbefore: {}   # values should lie before midnight of this day\ntables:\n",
        profile.source, profile.ds
    );
    profile.tables.iter().for_each(|of| table(&mut text, of));
    text
}

// Writing to a text cannot fail, so that the results of `write!` are dropped here.

fn table(text: &mut String, table: &TableProfile) {
    let key: Vec<String> = table.key.iter().map(|name| quoted(name)).collect();
    let _ = writeln!(text, "\n  - name: {}", quoted(&table.table));
    let _ = writeln!(text, "    rows: {}", table.rows);
    let _ = writeln!(text, "    files: {}", table.files);
    let _ = writeln!(text, "    time_zone: {}   # of times that say none, and of dates", bare(&table.time_zone));
    let _ = writeln!(text, "    key: [{}]", key.join(", "));
    if table.findings.is_empty() {
        let _ = writeln!(text, "    findings: []");
    } else {
        let _ = writeln!(text, "    findings:");
    }
    for finding in &table.findings {
        let suspicion = serde_json::to_value(finding.suspicion).unwrap_or_default();
        let _ = writeln!(text, "      - suspicion: {}", suspicion.as_str().unwrap_or_default());
        if let Some(column) = &finding.column {
            let _ = writeln!(text, "        column: {}", quoted(column));
        }
        if let Some(rows) = finding.rows {
            let _ = writeln!(text, "        rows: {rows}   # {}", share(rows, table.rows));
        }
        let _ = writeln!(text, "        message: {}", quoted(&finding.message));
    }
    let _ = writeln!(text, "    columns:");
    table.columns.iter().for_each(|of| column(text, of, table.rows));
}

fn column(text: &mut String, column: &ColumnProfile, rows: u64) {
    let hidden = match (column.is_declared, column.is_shown) {
        (false, _) => "   # not declared: its values are not shown",
        (true, false) => "   # personal: its values are not shown",
        (true, true) => "",
    };
    let _ = writeln!(text, "      - name: {}{hidden}", quoted(&column.name));
    let _ = writeln!(text, "        type: {}", quoted(&column.type_name));
    let _ = writeln!(text, "        missing: {}   # {}", column.missing, share(column.missing, rows));
    let Distinct { values, is_exact } = column.distinct;
    let _ = writeln!(
        text,
        "        distinct: {values}{}",
        if is_exact { "" } else { "   # an estimate, within about 2 %" }
    );
    if let (Some(least), Some(greatest)) = (&column.least, &column.greatest) {
        let _ = writeln!(text, "        range: [{}, {}]", bare(least), bare(greatest));
    }
    if !column.quantiles.is_empty() {
        let quantiles: Vec<String> =
            column.quantiles.iter().map(|(name, value)| format!("{name}: {}", bare(value))).collect();
        let near = if is_exact { "" } else { "   # near values" };
        let _ = writeln!(text, "        quantiles: {{{}}}{near}", quantiles.join(", "));
    }
    if !column.frequent.is_empty() {
        let _ = writeln!(text, "        frequent:");
        for value in &column.frequent {
            let of = share(value.rows, rows);
            // A text of digits is no number.
            let shown = if column.type_name == "text" { quoted(&value.value) } else { bare(&value.value) };
            let _ = writeln!(text, "          - {{value: {shown}, rows: {}}}   # {of}", value.rows);
        }
    }
}

fn share(rows: u64, all: u64) -> String {
    match (rows, all) {
        (_, 0) => "of no rows".to_owned(),
        (0, _) => "none".to_owned(),
        (rows, all) if rows == all => "all".to_owned(),
        (rows, all) => format!("{:.2} %", 100.0 * rows as f64 / all as f64),
    }
}

/// A number, a date or an instant as it is; anything else in quotes.
fn bare(value: &str) -> String {
    let is_sign = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b':' | b'T' | b'Z');
    if !value.is_empty() && value.bytes().all(is_sign) { value.to_owned() } else { quoted(value) }
}

/// A text as a YAML scalar: bare where it reads as a name, else in quotes.
fn quoted(text: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_name = text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(is_bare);
    let reads_as_other = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    match is_name && !reads_as_other.contains(&text.to_lowercase().as_str()) {
        true => text.to_owned(),
        // A string of JSON is one of YAML.
        false => serde_json::Value::from(text).to_string(),
    }
}
