//! One column: what it holds.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Float64Type;
use serde::Serialize;

use crate::distinct::Values;
use crate::quantiles::{self, Buckets, SHARES};
use crate::spec::ColumnSpec;
use crate::text_signs::TextSigns;
use crate::value_kind::ValueKind;

/// How many of the most frequent values are shown.
const FREQUENT: usize = 5;

/// A value is frequent where it stands at least twice, and in at least one of so many rows.
const ONE_OF: u64 = 200;

/// Whole numbers that often stand for a missing value.
const NUMBER_SENTINELS: [i64; 9] = [-999_999, -99_999, -9999, -999, -99, 999, 9999, 99_999, 999_999];

/// Days that often stand for a missing date, since 1970: of the years 1, 1753, 1899 (the last two days), 1900, 1901, 1970, 2099 and 2999.
/// The year 9999 is one as a whole, see [`ValueKind::is_never`].
const DAY_SENTINELS: [i64; 9] = [-719_162, -79_257, -25_569, -25_568, -25_567, -25_202, 0, 47_481, 376_199];

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// What a column holds. Of a column whose values must not be shown everything that would reveal one is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// Its type: the declared one, else that of the files.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Whether the project declares it; models see no other.
    pub is_declared: bool,
    /// Whether its values may be shown: it is declared and not personal.
    #[serde(rename = "is_told")]
    pub is_shown: bool,
    /// Rows without a value.
    pub missing: u64,
    /// How many different values there are.
    pub distinct: Distinct,
    /// The least value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least: Option<String>,
    /// The greatest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greatest: Option<String>,
    /// The quantiles by name, of numbers and times.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub quantiles: BTreeMap<&'static str, String>,
    /// The most frequent values: those that stand at least twice, and in at least one of 200 rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frequent: Vec<Frequent>,
}

/// How many different values there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Distinct {
    /// How many.
    pub values: u64,
    /// Whether they were counted one by one; otherwise within about 2 %, and the quantiles come near.
    pub is_exact: bool,
}

/// A value and how many rows have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Frequent {
    /// The value.
    pub value: String,
    /// The rows.
    pub rows: u64,
}

/// The values of a column as far as they were seen.
#[derive(Debug, Clone)]
pub(crate) struct ColumnTally {
    pub(crate) kind: ValueKind,
    pub(crate) missing: u64,
    pub(crate) not_finite: u64,
    pub(crate) negative: u64,
    /// Values at or after as-of that are times.
    pub(crate) late: u64,
    /// Times that stand for none.
    pub(crate) never: u64,
    pub(crate) texts: Values<String>,
    pub(crate) text_signs: TextSigns,
    ordinals: Values<i128>,
    /// Filled once there are too many values to count.
    buckets: Buckets,
    range: Option<[i128; 2]>,
    /// The first value at or after as-of, as a day or an instant.
    as_of: i128,
    /// How often each of the sentinels of the kind was seen.
    sentinels: BTreeMap<i128, u64>,
}

impl ColumnTally {
    /// `as_of` in days or microseconds since 1970, as the kind has them.
    pub(crate) fn new(kind: ValueKind, as_of: i64) -> Self {
        Self {
            kind,
            missing: 0,
            not_finite: 0,
            negative: 0,
            late: 0,
            never: 0,
            texts: Values::default(),
            text_signs: TextSigns::default(),
            ordinals: Values::default(),
            buckets: Buckets::default(),
            range: None,
            as_of: i128::from(as_of),
            sentinels: sentinels(kind).into_iter().map(|sentinel| (sentinel, 0)).collect(),
        }
    }

    /// Takes note of values of the type of the kind.
    pub(crate) fn add(&mut self, values: &ArrayRef) {
        self.missing += values.null_count() as u64;
        match self.kind {
            ValueKind::Other => {}
            ValueKind::Text => values.as_string::<i32>().iter().flatten().for_each(|text| self.add_text(text)),
            ValueKind::Double => {
                self.not_finite +=
                    values.as_primitive::<Float64Type>().iter().flatten().filter(|value| !value.is_finite()).count()
                        as u64;
                let finite = |ordinal: &i128| self.kind.number(*ordinal).is_some_and(f64::is_finite);
                let ordinals: Vec<i128> = self.kind.ordinals(values).flatten().filter(finite).collect();
                ordinals.into_iter().for_each(|ordinal| self.add_ordinal(ordinal));
            }
            kind => kind.ordinals(values).flatten().for_each(|ordinal| self.add_ordinal(ordinal)),
        }
    }

    fn add_text(&mut self, text: &str) {
        self.text_signs.add(text);
        self.texts.add(text, 1);
    }

    fn add_ordinal(&mut self, ordinal: i128) {
        self.range = Some(self.range.map_or([ordinal; 2], |[least, most]| [least.min(ordinal), most.max(ordinal)]));
        self.negative += u64::from(self.kind.is_number() && ordinal < 0);
        let is_never = self.kind.is_never(ordinal);
        self.never += u64::from(is_never);
        self.late += u64::from(self.kind.is_time() && ordinal >= self.as_of && !is_never);
        if let Some(rows) = self.sentinels.get_mut(&ordinal) {
            *rows += 1;
        }
        self.count(ordinal, 1);
    }

    fn count(&mut self, ordinal: i128, rows: u64) {
        if matches!(self.ordinals, Values::Estimated(_)) {
            self.buckets.add(self.kind, ordinal, rows);
        }
        if let Some(counts) = self.ordinals.add(&ordinal, rows) {
            self.fill_buckets(&counts);
        }
    }

    fn fill_buckets(&mut self, counts: &HashMap<i128, u64>) {
        counts.iter().for_each(|(ordinal, rows)| self.buckets.add(self.kind, *ordinal, *rows));
    }

    /// Adds what another tally of the column has seen.
    pub(crate) fn merge(&mut self, other: Self) {
        self.missing += other.missing;
        self.not_finite += other.not_finite;
        self.negative += other.negative;
        self.late += other.late;
        self.never += other.never;
        self.text_signs.merge(&other.text_signs);
        for (sentinel, rows) in other.sentinels {
            *self.sentinels.entry(sentinel).or_default() += rows;
        }
        self.range = match (self.range, other.range) {
            (Some([least, most]), Some([other_least, other_most])) => {
                Some([least.min(other_least), most.max(other_most)])
            }
            (range, other) => range.or(other),
        };
        self.buckets.merge(&other.buckets);
        match other.ordinals {
            Values::Counted(counts) => counts.into_iter().for_each(|(ordinal, rows)| self.count(ordinal, rows)),
            Values::Estimated(others) => {
                if let Some(counts) = self.ordinals.give_up() {
                    self.fill_buckets(&counts);
                }
                if let Values::Estimated(registers) = &mut self.ordinals {
                    registers.merge(&others);
                }
            }
        }
        match other.texts {
            Values::Counted(counts) => {
                for (text, rows) in counts {
                    self.texts.add(text.as_str(), rows);
                }
            }
            Values::Estimated(others) => {
                self.texts.give_up();
                if let Values::Estimated(registers) = &mut self.texts {
                    registers.merge(&others);
                }
            }
        }
    }

    /// How many different values there are.
    pub(crate) fn distinct(&self) -> Distinct {
        fn of<K>(values: &Values<K>) -> Distinct {
            match values {
                Values::Counted(counts) => Distinct { values: counts.len() as u64, is_exact: true },
                Values::Estimated(registers) => Distinct { values: registers.estimate(), is_exact: false },
            }
        }
        if self.kind == ValueKind::Text { of(&self.texts) } else { of(&self.ordinals) }
    }

    /// The least and the greatest value of numbers and times.
    pub(crate) fn range(&self) -> Option<[i128; 2]> {
        self.range
    }

    pub(crate) fn quantiles(&self) -> Option<[i128; 5]> {
        match &self.ordinals {
            Values::Counted(counts) => {
                let sorted: BTreeMap<i128, u64> = counts.iter().map(|(ordinal, rows)| (*ordinal, *rows)).collect();
                quantiles::quantiles(sorted.into_iter())
            }
            Values::Estimated(_) => self.buckets.quantiles(self.kind),
        }
    }

    /// The sentinels that stand in the column, with their rows.
    pub(crate) fn sentinels(&self) -> impl Iterator<Item = (i128, u64)> {
        self.sentinels.iter().filter(|(_, rows)| **rows > 0).map(|(sentinel, rows)| (*sentinel, *rows))
    }

    /// The profile of the column.
    pub(crate) fn profile(&self, spec: &ColumnSpec) -> ColumnProfile {
        let is_shown = spec.is_shown();
        let mut profile = ColumnProfile {
            name: spec.name.clone(),
            type_name: spec.type_name.clone(),
            is_declared: spec.is_declared,
            is_shown,
            missing: self.missing,
            distinct: self.distinct(),
            least: None,
            greatest: None,
            quantiles: BTreeMap::new(),
            frequent: Vec::new(),
        };
        if is_shown {
            let range = self.range.filter(|_| self.kind != ValueKind::Boolean);
            profile.least = range.map(|[least, _]| self.kind.shown(least));
            profile.greatest = range.map(|[_, greatest]| self.kind.shown(greatest));
            if self.kind.is_number() || self.kind.is_time() {
                let quantiles = self.quantiles().into_iter().flatten().zip(SHARES);
                profile.quantiles = quantiles.map(|(value, (_, name))| (name, self.kind.shown(value))).collect();
            }
            if !spec.is_identifier {
                profile.frequent = self.frequent();
            }
        }
        profile
    }

    fn frequent(&self) -> Vec<Frequent> {
        let mut frequent: Vec<Frequent> = match (&self.texts, &self.ordinals) {
            (Values::Counted(texts), _) if self.kind == ValueKind::Text => {
                texts.iter().map(|(text, rows)| Frequent { value: text.clone(), rows: *rows }).collect()
            }
            (_, Values::Counted(ordinals)) => {
                ordinals.iter().map(|(value, rows)| Frequent { value: self.kind.shown(*value), rows: *rows }).collect()
            }
            _ => Vec::new(),
        };
        let rows: u64 = frequent.iter().map(|value| value.rows).sum();
        frequent.retain(|value| value.rows >= rows.div_ceil(ONE_OF).max(2));
        frequent.sort_by(|first, second| second.rows.cmp(&first.rows).then_with(|| first.value.cmp(&second.value)));
        frequent.truncate(FREQUENT);
        frequent
    }
}

fn sentinels(kind: ValueKind) -> Vec<i128> {
    let all = |numbers: &[i64], unit: i128| numbers.iter().map(|number| i128::from(*number) * unit).collect();
    match kind {
        ValueKind::Integer => all(&NUMBER_SENTINELS, 1),
        ValueKind::Decimal(scale) => all(&NUMBER_SENTINELS, 10i128.pow(scale)),
        ValueKind::Double => {
            NUMBER_SENTINELS.iter().map(|number| crate::value_kind::ordinal_of(*number as f64)).collect()
        }
        ValueKind::Date => all(&DAY_SENTINELS, 1),
        ValueKind::Timestamp => all(&DAY_SENTINELS, i128::from(MICROS_PER_DAY)),
        ValueKind::Text | ValueKind::Boolean | ValueKind::Other => Vec::new(),
    }
}
