//! Keys as people write them, in SQL.

use mainstay_files::key_text::MARKS_AROUND;

/// A key without what stands around it unseen.
pub(crate) fn trimmed(key: &str) -> String {
    format!("regexp_replace({key}, '{MARKS_AROUND}', '', 'g')")
}

/// A trimmed key in small letters, without the zeros ahead of its number.
pub(crate) fn folded(key: &str) -> String {
    format!(r"regexp_replace(lower({}), '^([^0-9]*)0+', '\1')", trimmed(key))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
    use datafusion::prelude::SessionContext;
    use mainstay_files::key_text;

    use super::*;

    /// What a file of offers and what a project hold for one id is the same.
    #[tokio::test]
    async fn sql_trims_as_files_are_trimmed() {
        let marks = [
            "", " ", "\t", "\r\n", "\0", "\u{85}", "\u{a0}", "\u{ad}", "\u{200b}", "\u{2028}", "\u{3000}", "\u{feff}",
            "\u{e000}",
        ];
        let keys = ["", "K1", "k 1", "K\u{200b}1", "ключ", "é", "1\u{301}"];
        let all: Vec<String> = marks
            .iter()
            .flat_map(|before| marks.iter().map(move |behind| (before, behind)))
            .flat_map(|(before, behind)| keys.iter().map(move |key| format!("{before}{key}{behind}")))
            .collect();
        let expected: Vec<&str> = all.iter().map(|key| key_text::trimmed(key)).collect();
        assert!(all.iter().zip(&expected).any(|(key, trimmed)| key != trimmed));
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values(&all));
        let session = SessionContext::new();
        session.register_batch("keys", RecordBatch::try_from_iter([("id", ids)]).unwrap()).unwrap();
        let found = session.sql(&format!("select {} as id from keys", trimmed("id"))).await.unwrap();
        let found = found.collect().await.unwrap();
        let found: Vec<&str> =
            found.iter().flat_map(|batch| batch.column(0).as_string::<i32>().iter().flatten()).collect();
        assert_eq!(found, expected);
    }
}
