//! What looks wrong with a table. A finding is a question for people who know the data, not a verdict.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::column::ColumnTally;
use crate::distinct::Values;
use crate::pairs::Pairs;
use crate::spec::{ColumnSpec, TableSpec};
use crate::value_kind::ValueKind;

/// From this share of the rows on, a column is mostly missing.
const MOSTLY: f64 = 0.95;

/// From this share of its texts on, a column of texts holds something else.
const NEARLY_ALL: f64 = 0.95;

/// From this share of its values on, every row has a value of its own.
const NEARLY_EACH: f64 = 0.98;

/// Fewer rows than this say nothing of identifiers.
const LEAST_ROWS: u64 = 100;

/// What looks wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The column; none for the whole table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What is suspected.
    pub suspicion: Suspicion,
    /// In how many rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// What was seen, and what to do about it.
    pub message: String,
}

/// What may be wrong with a column or table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Suspicion {
    /// There are no rows.
    Empty,
    /// Rows whose key another row has.
    DuplicateKeys,
    /// No row has a value.
    AllMissing,
    /// Hardly a row has a value.
    MostlyMissing,
    /// Every row has the same value.
    Constant,
    /// Nearly every row has a value of its own.
    IdLike,
    /// E-mail addresses in a column that is not declared as personal.
    Personal,
    /// Numbers stored as text.
    NumberAsText,
    /// Dates stored as text.
    DateAsText,
    /// Spellings that differ in capitals or blanks only.
    MixedCase,
    /// Blanks before or after a text.
    Padded,
    /// Texts of nothing but blanks.
    Blank,
    /// Amounts below 0.
    Negative,
    /// NaN or infinite numbers.
    NotFinite,
    /// Times at or after as-of.
    AfterAsOf,
    /// Values that often stand for a missing one.
    Sentinel,
    /// A column that says the same as another.
    NearDuplicate,
    /// A column that the project does not declare.
    NotDeclared,
}

impl Suspicion {
    /// Its name in words.
    pub fn label(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::DuplicateKeys => "duplicate keys",
            Self::AllMissing => "all missing",
            Self::MostlyMissing => "mostly missing",
            Self::Constant => "constant",
            Self::IdLike => "like an identifier",
            Self::Personal => "like e-mail addresses",
            Self::NumberAsText => "numbers as text",
            Self::DateAsText => "dates as text",
            Self::MixedCase => "mixed spelling",
            Self::Padded => "blanks around",
            Self::Blank => "blank",
            Self::Negative => "negative",
            Self::NotFinite => "not finite",
            Self::AfterAsOf => "after as-of",
            Self::Sentinel => "sentinel",
            Self::NearDuplicate => "near-duplicate",
            Self::NotDeclared => "not declared",
        }
    }
}

/// All rows of a table, seen.
pub(crate) struct Seen<'a> {
    pub(crate) spec: &'a TableSpec,
    pub(crate) rows: u64,
    pub(crate) columns: &'a [ColumnTally],
    pub(crate) pairs: &'a Pairs,
    pub(crate) duplicate_keys: Option<u64>,
}

/// What looks wrong with a table, by column.
pub(crate) fn findings(seen: &Seen<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if seen.rows == 0 {
        let message = "there are no rows: check the path, or whether the load has run".to_owned();
        return vec![Finding { column: None, suspicion: Suspicion::Empty, rows: None, message }];
    }
    if let Some(rows) = seen.duplicate_keys.filter(|rows| *rows > 0) {
        let message = format!(
            "{rows} rows have a key ({}) that another row has: correct the key, or say `keep: latest_known` or `unique_key: false`",
            seen.spec.key.join(", ")
        );
        found.push(Finding { column: None, suspicion: Suspicion::DuplicateKeys, rows: Some(rows), message });
    }
    for (position, (spec, tally)) in seen.spec.columns.iter().zip(seen.columns).enumerate() {
        let mut of = OfColumn { seen, spec, tally, found: Vec::new() };
        of.judge();
        of.near_duplicates(position);
        found.extend(of.found);
    }
    found
}

/// A column that is being judged.
struct OfColumn<'a> {
    seen: &'a Seen<'a>,
    spec: &'a ColumnSpec,
    tally: &'a ColumnTally,
    found: Vec<Finding>,
}

impl OfColumn<'_> {
    fn report(&mut self, suspicion: Suspicion, rows: Option<u64>, message: impl Into<String>) {
        let column = Some(self.spec.name.clone());
        self.found.push(Finding { column, suspicion, rows, message: message.into() });
    }

    fn present(&self) -> u64 {
        self.seen.rows - self.tally.missing
    }

    /// Whether so many of the values that are there are nearly all of them.
    fn are_nearly_all(&self, values: u64) -> bool {
        let present = self.present() - self.tally.text_signs.blank;
        present > 0 && values as f64 >= NEARLY_ALL * present as f64
    }

    fn judge(&mut self) {
        if !self.spec.is_declared {
            let message = format!(
                "is in the files as {} and not declared: no model sees it and its values are not shown; declare it, with \
                 `personal: true` where it names or describes a person",
                self.spec.type_name
            );
            self.report(Suspicion::NotDeclared, None, message);
        }
        if self.tally.kind == ValueKind::Other {
            return;
        }
        if self.present() == 0 {
            return self.report(Suspicion::AllMissing, Some(self.seen.rows), "no row has a value: leave it out");
        }
        self.missing_and_distinct();
        self.texts();
        self.numbers();
        self.times();
        self.sentinels();
    }

    fn missing_and_distinct(&mut self) {
        let (missing, distinct, present) = (self.tally.missing, self.tally.distinct(), self.present());
        let share = missing as f64 / self.seen.rows as f64;
        if share >= MOSTLY {
            let message =
                format!("{:.1} % of the rows have no value: is it filled in by every source system?", 100.0 * share);
            self.report(Suspicion::MostlyMissing, Some(missing), message);
        }
        if distinct.values == 1 && present >= 2 {
            let some =
                if missing > 0 { "every row with a value has the same one" } else { "every row has the same value" };
            self.report(Suspicion::Constant, Some(present), format!("{some}: it distinguishes nothing"));
        }
        if self.is_id_like() {
            let message = "nearly every row has a value of its own: an identifier is no feature; if it leads to a person, declare it \
                           `personal: true`";
            self.report(Suspicion::IdLike, None, message);
        }
    }

    fn is_id_like(&self) -> bool {
        let has_ids = matches!(self.tally.kind, ValueKind::Text | ValueKind::Integer);
        let present = self.present();
        let is_known = self.spec.is_identifier || self.spec.is_personal;
        has_ids
            && !is_known
            && present >= LEAST_ROWS
            && self.tally.distinct().values as f64 >= NEARLY_EACH * present as f64
    }

    fn texts(&mut self) {
        let signs = self.tally.text_signs;
        if self.are_nearly_all(signs.addresses) && !self.spec.is_personal {
            let message = "the values look like e-mail addresses: declare the column `personal: true`";
            self.report(Suspicion::Personal, Some(signs.addresses), message);
        }
        if self.are_nearly_all(signs.numbers) && !self.spec.is_identifier && !self.is_id_like() {
            let message = "the texts are numbers: cast them in staging, or correct the export, unless they are codes";
            self.report(Suspicion::NumberAsText, Some(signs.numbers), message);
        }
        if self.are_nearly_all(signs.dates) {
            let message = "the texts are dates or times: cast them in staging, or correct the export";
            self.report(Suspicion::DateAsText, Some(signs.dates), message);
        }
        if let Some(spellings) = self.mixed_case() {
            self.report(Suspicion::MixedCase, None, spellings);
        }
        if signs.padded > 0 {
            let message = "blanks stand before or after the text: trim it in staging";
            self.report(Suspicion::Padded, Some(signs.padded), message);
        }
        if signs.blank > 0 {
            self.report(Suspicion::Blank, Some(signs.blank), "texts without a letter: read them as null in staging");
        }
        if signs.sentinels > 0 {
            let message = "words such as `n/a` or `unknown` stand for a missing value: read them as null in staging";
            self.report(Suspicion::Sentinel, Some(signs.sentinels), message);
        }
    }

    /// Values that are one but for capitals and blanks, if there are any; an example where values may be shown.
    fn mixed_case(&self) -> Option<String> {
        let Values::Counted(texts) = &self.tally.texts else { return None };
        let mut spellings: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for text in texts.keys() {
            spellings.entry(text.trim().to_lowercase()).or_default().insert(text);
        }
        spellings.retain(|folded, of| of.len() > 1 && !folded.is_empty());
        let example = spellings.values().next()?;
        let example: Vec<String> = example.iter().map(|text| format!("`{text}`")).collect();
        let such = if self.spec.is_shown() { format!(", such as {}", example.join(" and ")) } else { String::new() };
        let values = match spellings.len() {
            1 => "a value has".to_owned(),
            values => format!("{values} values have"),
        };
        Some(format!(
            "{values} several spellings that differ in capitals or blanks only{such}: bring them to one in staging"
        ))
    }

    fn numbers(&mut self) {
        if self.tally.not_finite > 0 {
            let message = "NaN and infinite numbers break the contract of every column: read them as null in staging";
            self.report(Suspicion::NotFinite, Some(self.tally.not_finite), message);
        }
        let name = self.spec.name.to_lowercase();
        let is_amount = self.spec.is_money
            || ["amount", "price", "cost", "quantity", "total", "revenue"].iter().any(|word| name.contains(word));
        if is_amount && self.tally.negative > 0 {
            let least = self.tally.range().filter(|_| self.spec.is_shown());
            let down_to =
                least.map(|[least, _]| format!(", down to {}", self.tally.kind.shown(least))).unwrap_or_default();
            let message = format!(
                "amounts below 0{down_to}: returns and discounts have columns of their own; state `minimum: 0`"
            );
            self.report(Suspicion::Negative, Some(self.tally.negative), message);
        }
    }

    fn times(&mut self) {
        if self.tally.late > 0 {
            // The greatest of all is none of these where a time stands for none.
            let most = self.tally.range().filter(|_| self.spec.is_shown() && self.tally.never == 0);
            let up_to = most.map(|[_, most]| format!(", up to {}", self.tally.kind.shown(most))).unwrap_or_default();
            let message =
                format!("lie at or after {}{up_to}: planned, in another time zone, or wrong", self.seen.spec.as_of);
            self.report(Suspicion::AfterAsOf, Some(self.tally.late), message);
        }
        if self.tally.never > 0 {
            let most = self.tally.range().filter(|_| self.spec.is_shown());
            let value = most.map_or("a time".to_owned(), |[_, most]| self.tally.kind.shown(most));
            let message = format!(
                "{value} of the year 9999 stands for no time, such as an end that is not known: read it as null in staging"
            );
            self.report(Suspicion::Sentinel, Some(self.tally.never), message);
        }
    }

    /// Values such as -999 or 1900-01-01: twice or more, at the edge of all values and far from most of them.
    fn sentinels(&mut self) {
        let (Some(range), Some(quantiles)) = (self.tally.range(), self.tally.quantiles()) else { return };
        let kind = self.tally.kind;
        let median = quantiles[2];
        let is_far = |sentinel: i128| match (kind.number(sentinel), kind.number(median)) {
            (Some(sentinel), Some(median)) if sentinel > 0.0 => median <= sentinel / 2.0,
            (Some(sentinel), Some(median)) => median >= sentinel / 2.0,
            // A day is far from the others where none of the middle half lies near it.
            _ => sentinel < quantiles[1] || sentinel > quantiles[3],
        };
        let suspected: Vec<(i128, u64)> = self
            .tally
            .sentinels()
            .filter(|(sentinel, rows)| *rows >= 2 && range.contains(sentinel) && is_far(*sentinel))
            .collect();
        for (sentinel, rows) in suspected {
            let value = if self.spec.is_shown() { kind.shown(sentinel) } else { "a value at the edge".to_owned() };
            let message = format!("{value} seems to stand for a missing value: read it as null in staging");
            self.report(Suspicion::Sentinel, Some(rows), message);
        }
    }

    fn near_duplicates(&mut self, position: usize) {
        let alike = self.seen.pairs.alike().filter(|([_, second], _)| *second == position);
        let similar: Vec<(String, u64)> = alike
            .filter(|([first, _], _)| self.seen.columns.get(*first).is_some_and(|tally| tally.distinct().values > 1))
            .filter_map(|([first, _], differing)| Some((self.seen.spec.columns.get(first)?.name.clone(), differing)))
            .collect();
        for (other, differing) in similar {
            let how = match differing {
                0 => format!("has the values of {other} in every row"),
                rows => format!("differs from {other} in {rows} rows only"),
            };
            let message = format!("{how}: one of both is enough, unless they differ where it matters");
            self.report(Suspicion::NearDuplicate, Some(self.seen.rows - differing), message);
        }
    }
}
