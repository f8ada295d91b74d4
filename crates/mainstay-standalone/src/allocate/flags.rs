//! Columns of yes and no that nothing reads. Any of them may say who must be left alone, whatever it is named.

use std::path::Path;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::Schema;
use mainstay_files::ColumnKind;
use mainstay_files::key_text::in_small_letters;
use mainstay_files::read::{categories, numbers};

use super::columns::Wanted;
use super::error::{AllocateFileError as Error, UnreadFlag};

/// Texts of one who says yes, in small letters.
const YES: [&str; 11] = ["yes", "y", "true", "t", "on", "x", "ja", "j", "wahr", "oui", "vrai"];
/// Texts of one who says no.
const NO: [&str; 8] = ["no", "n", "false", "f", "off", "nein", "non", "falsch"];

/// Columns that hold nothing but yes and no so far.
pub(super) struct UnreadFlags(Vec<Candidate>);

struct Candidate {
    column: String,
    yes_rows: u64,
    /// Numbers alone that are all 0 may as well count something.
    is_flag: bool,
}

/// What some rows say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Answers {
    yes: u64,
    has_words: bool,
}

impl UnreadFlags {
    pub(super) fn new(schema: &Schema, wanted: &Wanted<'_>) -> Self {
        let unread = schema.fields().iter().filter(|field| wanted.is_passed_over(field.name()));
        let candidate = |column: &String| Candidate { column: column.clone(), yes_rows: 0, is_flag: false };
        Self(unread.map(|field| candidate(field.name())).collect())
    }

    pub(super) fn append(&mut self, batch: &RecordBatch) {
        self.0.retain_mut(|candidate| {
            let Some(answers) = batch.column_by_name(&candidate.column).and_then(answers) else { return false };
            candidate.yes_rows += answers.yes;
            candidate.is_flag |= answers.has_words || answers.yes > 0;
            true
        });
    }

    /// Refuses the columns that have said nothing but yes and no in all rows.
    pub(super) fn refuse(self, path: &Path, rows: u64) -> Result<(), Error> {
        let found = self.0.into_iter().filter(|candidate| candidate.is_flag);
        let flags: Vec<UnreadFlag> =
            found.map(|Candidate { column, yes_rows, .. }| UnreadFlag { column, yes_rows, rows }).collect();
        if flags.is_empty() { Ok(()) } else { Err(Error::UnreadFlags { path: path.to_owned(), flags }) }
    }
}

/// What a column says if it says nothing but yes, no and nothing.
fn answers(column: &ArrayRef) -> Option<Answers> {
    let mut found = Answers::default();
    match ColumnKind::of(column.data_type()) {
        kind @ (ColumnKind::Boolean | ColumnKind::Integer | ColumnKind::Float | ColumnKind::Decimal { .. }) => {
            found.has_words = kind == ColumnKind::Boolean;
            for number in numbers(column).ok()?.iter().flatten() {
                // NaN is what pandas writes where a flag is missing.
                if number != 0.0 && number != 1.0 && !number.is_nan() {
                    return None;
                }
                found.yes += u64::from(number == 1.0);
            }
        }
        ColumnKind::Text => {
            for text in categories(column).ok()?.iter().flatten() {
                let text = in_small_letters(text);
                let (is_yes, is_no) = (YES.contains(&&*text), NO.contains(&&*text));
                found.yes += u64::from(is_yes || text == "1");
                found.has_words |= is_yes || is_no;
                if !(is_yes || is_no || ["", "0", "1"].contains(&&*text)) {
                    return None;
                }
            }
        }
        _ => return None,
    }
    Some(found)
}
