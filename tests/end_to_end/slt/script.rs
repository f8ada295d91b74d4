//! Reads sqllogictest files: records of a header, SQL and what it must give, apart by empty lines.
//!
//! What stands here is the part of the format that our files use: `statement ok`, `statement error <text>`,
//! `query <types> [rowsort]` and `query error <text>`. The text is part of the message. A comment that begins with
//! `# Case: ` names a case.

use std::fmt;

/// One record of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The line of its header, from 1.
    pub(crate) line: usize,
    /// The case that it belongs to.
    pub(crate) case: String,
    pub(crate) sql: String,
    pub(crate) expected: Expected,
}

/// What a record must give.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Done,
    Failure { part: String },
    Rows { types: String, is_sorted_first: bool, rows: Vec<String> },
}

/// Why a file is no script.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ScriptError {
    line: usize,
    message: String,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.message)
    }
}

/// The records of a file in order.
pub(crate) fn parse(text: &str) -> Result<Vec<Record>, ScriptError> {
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line)).peekable();
    let mut records = Vec::new();
    let mut case = String::new();
    while let Some((line, header)) = lines.next() {
        if let Some(name) = header.strip_prefix("# Case: ") {
            name.clone_into(&mut case);
        }
        if header.trim().is_empty() || header.starts_with('#') {
            continue;
        }
        let mut block = std::iter::from_fn(|| lines.next_if(|(_, line)| !line.trim().is_empty())).map(|(_, line)| line);
        let sql: Vec<&str> = block.by_ref().take_while(|line| *line != "----").collect();
        let rows: Vec<String> = block.map(str::to_owned).collect();
        let expected = read_header(header, rows).map_err(|message| ScriptError { line, message })?;
        if sql.is_empty() || case.is_empty() {
            let missing = if sql.is_empty() { "has no SQL" } else { "belongs to no case" };
            return Err(ScriptError { line, message: format!("`{header}` {missing}") });
        }
        records.push(Record { line, case: case.clone(), sql: sql.join("\n"), expected });
    }
    Ok(records)
}

fn read_header(header: &str, rows: Vec<String>) -> Result<Expected, String> {
    let failure = header.strip_prefix("statement error ").or_else(|| header.strip_prefix("query error "));
    if let Some(part) = failure {
        return Ok(Expected::Failure { part: part.to_owned() });
    }
    match header.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["statement", "ok"] => Ok(Expected::Done),
        ["query", types] => Ok(Expected::Rows { types: (*types).to_owned(), is_sorted_first: false, rows }),
        ["query", types, "rowsort"] => Ok(Expected::Rows { types: (*types).to_owned(), is_sorted_first: true, rows }),
        _ => Err(format!("`{header}` is no header of a record")),
    }
}

#[test]
fn reads_records_with_their_cases() {
    let text = "# Case: one\nstatement ok\nreset\n\nquery TI rowsort\nselect a,\n  b\n----\nx 1\ny 2\n\nquery error no such\nselect c\n";
    let records = parse(text).unwrap();
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|record| record.case == "one"));
    assert_eq!((records[1].line, records[1].sql.as_str()), (5, "select a,\n  b"));
    let rows = vec!["x 1".to_owned(), "y 2".to_owned()];
    assert_eq!(records[1].expected, Expected::Rows { types: "TI".to_owned(), is_sorted_first: true, rows });
    assert_eq!(records[2].expected, Expected::Failure { part: "no such".to_owned() });
}

#[test]
fn refuses_what_is_no_record() {
    for (text, message) in [
        ("# Case: one\nstatment ok\nreset\n", "2: `statment ok` is no header of a record"),
        ("# Case: one\nstatement ok\n\n", "2: `statement ok` has no SQL"),
        ("statement ok\nreset\n", "1: `statement ok` belongs to no case"),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), message);
    }
}
