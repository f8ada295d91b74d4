//! The parts of Markdown that documents are made of.

use std::fmt::Write;

/// Text that reads as it is written, whatever signs it holds, on one line.
pub(crate) fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        match sign {
            '<' => escaped.push_str("&lt;"),
            '|' | '*' | '`' | '[' | ']' | '\\' | '#' => escaped.extend(['\\', sign]),
            sign => escaped.push(sign),
        }
    }
    escaped
}

/// A name of the project, as code.
pub(crate) fn code(name: &str) -> String {
    format!("`{}`", name.replace('`', "'"))
}

/// A section with a heading of the second level.
pub(crate) fn section(title: &str, body: &str) -> String {
    format!("\n## {title}\n\n{}\n", body.trim_end())
}

/// A table whose cells are Markdown already; all columns but the first `texts` align right.
pub(crate) fn table(header: &[&str], texts: usize, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = format!("| {} |\n|", header.join(" | "));
    for column in 0..header.len() {
        table.push_str(if column < texts { "---|" } else { "---:|" });
    }
    table.push('\n');
    for row in rows {
        // Writing to a text cannot fail.
        let _ = writeln!(table, "| {} |", row.join(" | "));
    }
    table
}

/// A list with a bullet for each item.
pub(crate) fn list(items: impl IntoIterator<Item = String>) -> String {
    items.into_iter().map(|item| format!("- {item}\n")).collect()
}

/// A share as `12.3 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A whole number with its thousands apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_markdown_read_as_they_are() {
        assert_eq!(plain("share of <b> | rows\n  with *stars*"), "share of &lt;b> \\| rows with \\*stars\\*");
        assert_eq!(code("a`b"), "`a'b`");
    }

    #[test]
    fn thousands_stand_apart() {
        let counts = [0, 999, 1000, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn numbers_align_right() {
        let rows = [vec!["a".to_owned(), "1".to_owned()]];
        assert_eq!(table(&["name", "rows"], 1, rows), "| name | rows |\n|---|---:|\n| a | 1 |\n");
    }
}
