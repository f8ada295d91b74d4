//! Which columns are features, and of what kind.

use std::collections::BTreeMap;

use mainstay_train::leakage::DateColumn;
use mainstay_train::{Declared, Monotone, Segmentation, TrainingRows, TrainingSet};

use super::TrainRequest;
use super::error::TrainFileError;
use super::label::Label;
use super::report::LeftOut;
use super::split::Split;
use super::table::{FileColumn, Table, Values};

/// Rows that a category needs in training; rarer ones count as missing, which is what an unknown one will be.
const LEAST_CATEGORY_ROWS: usize = 10;
const MOST_CATEGORIES: usize = 254;
/// The share of numbers among texts from which on the column is taken for one of numbers.
const NUMBERS: f64 = 0.8;
/// Segments are told of columns with at most so many categories, and of at most so many columns.
const MOST_SEGMENT_VALUES: usize = 12;
const MOST_SEGMENT_COLUMNS: usize = 8;

pub(super) struct Columns {
    features: Vec<Chosen>,
    pub(super) left_out: Vec<LeftOut>,
    dates: Vec<String>,
}

struct Chosen {
    name: String,
    declared: Declared,
}

impl Columns {
    /// Chooses by the training rows.
    pub(super) fn choose(table: &Table, request: &TrainRequest, split: &Split) -> Result<Self, TrainFileError> {
        let of = |which| request.monotone.iter().filter(|(_, of)| **of == which).map(|(name, _)| name).collect();
        let named: [(_, Vec<&String>); 5] = [
            ("--exclude", request.exclude.iter().collect()),
            ("--categories", request.categories.iter().collect()),
            ("--increasing", of(Monotone::Increasing)),
            ("--decreasing", of(Monotone::Decreasing)),
            ("--segments", request.segments.iter().collect()),
        ];
        for (flag, columns) in &named {
            columns.iter().try_for_each(|column| table.named(flag, column).map(|_| ()))?;
        }
        let is_used = |row: &usize| request.test.is_some() || split.is_training(*row);
        let rows: Vec<usize> = (0..table.rows).filter(is_used).collect();
        let other = [Some(&request.label), request.key.as_ref(), request.time_column.as_ref()];
        let mut chosen = Self { features: Vec::new(), left_out: Vec::new(), dates: Vec::new() };
        for column in &table.columns {
            let name = &column.name;
            if other.contains(&Some(name)) || request.exclude.contains(name) {
                if let Some(monotone) = request.monotone.get(name) {
                    return Err(TrainFileError::NoFeature { flag: flag_of(*monotone), column: name.clone() });
                }
                continue;
            }
            chosen.take(column, request, &rows)?;
        }
        if chosen.features.is_empty() {
            let left_out: Vec<String> =
                chosen.left_out.iter().map(|of| format!("`{}` {}", of.column, of.why)).collect();
            let left_out =
                if left_out.is_empty() { "no other column is there".to_owned() } else { left_out.join(", ") };
            return Err(TrainFileError::NoFeatures { path: table.path.clone(), left_out });
        }
        Ok(chosen)
    }

    fn take(&mut self, column: &FileColumn, request: &TrainRequest, rows: &[usize]) -> Result<(), TrainFileError> {
        let name = column.name.clone();
        let monotone = request.monotone.get(&name).copied();
        let is_category = request.categories.contains(&name);
        let left_out = |why: &str| LeftOut { column: name.clone(), why: why.to_owned() };
        match &column.values {
            Values::Numbers(values) if !is_category => {
                if let Some(row) = values.iter().position(|value| value.is_infinite()) {
                    return Err(TrainFileError::Infinite { column: name, row });
                }
                let of_rows = || rows.iter().map(|row| values[*row]);
                let first = of_rows().next().unwrap_or(f64::NAN);
                if of_rows().all(|value| value == first || (value.is_nan() && first.is_nan())) {
                    self.left_out.push(left_out("is the same in all training rows"));
                } else {
                    self.features.push(Chosen { name, declared: Declared { monotone, categories: None } });
                }
            }
            Values::Numbers(_) | Values::Texts(_) => {
                if let (Values::Texts(texts), false) = (&column.values, is_category) {
                    check_numbers(&name, texts)?;
                }
                if let Some(monotone) = monotone {
                    return Err(TrainFileError::OrderOfCategories { column: name, flag: flag_of(monotone) });
                }
                match categories(column, rows) {
                    Ok(categories) => {
                        self.features
                            .push(Chosen { name, declared: Declared { monotone: None, categories: Some(categories) } });
                    }
                    Err(why) => self.left_out.push(left_out(why)),
                }
            }
            Values::Days(_) => {
                self.left_out.push(left_out("is a date: give the days until the decision as a number"));
                self.dates.push(name);
            }
            Values::Other => self.left_out.push(left_out("is neither a number nor a text")),
        }
        Ok(())
    }

    /// The rows that `keep` wants, as they are learnt from.
    pub(super) fn set(
        &self,
        table: &Table,
        label: &Label,
        split: &Split,
        keep: impl Fn(usize) -> bool,
    ) -> Result<TrainingSet, TrainFileError> {
        let rows: Vec<usize> = (0..table.rows).filter(|row| keep(*row)).collect();
        let mut values = Vec::with_capacity(self.features.len());
        for chosen in &self.features {
            values.push(chosen.values(table, &rows)?);
        }
        let set = TrainingSet::new(TrainingRows {
            feature_names: self.features.iter().map(|chosen| chosen.name.clone()).collect(),
            columns: values,
            labels: rows.iter().map(|row| label.labels[*row]).collect(),
            keys: rows.iter().map(|row| split.keys[*row].clone()).collect(),
            cuts: rows.iter().map(|row| split.cuts[*row]).collect(),
        })?;
        let declared: BTreeMap<String, Declared> =
            self.features.iter().map(|chosen| (chosen.name.clone(), chosen.declared.clone())).collect();
        Ok(set.with_declared(&declared)?)
    }

    /// The columns by whose values figures are told.
    pub(super) fn segments(&self, request: &TrainRequest, test: &TrainingSet) -> Vec<Segmentation> {
        let features = test.feature_names().iter().zip(test.columns()).zip(test.declared());
        let segmentation = |((name, values), declared): ((&String, Vec<f64>), &Declared)| {
            let is_named = request.segments.contains(name);
            let categories = declared.categories.as_ref();
            let is_small = categories.is_some_and(|categories| categories.len() <= MOST_SEGMENT_VALUES);
            if !(is_named || request.segments.is_empty() && is_small) {
                return None;
            }
            let text = |value: &f64| match categories.and_then(|categories| categories.get(*value as usize)) {
                _ if value.is_nan() => "(missing)".to_owned(),
                Some(category) => category.clone(),
                None => format!("{value}"),
            };
            Some(Segmentation { column: name.clone(), groups: values.iter().map(|value| Some(text(value))).collect() })
        };
        features.filter_map(segmentation).take(MOST_SEGMENT_COLUMNS).collect()
    }

    /// Columns of dates, of the training rows in the order of the training set.
    pub(super) fn dates(&self, table: &Table, split: &Split) -> Vec<DateColumn> {
        let mut rows: Vec<usize> = (0..table.rows).filter(|row| split.is_training(*row)).collect();
        rows.sort_by(|a, b| (split.cuts[*a], &split.keys[*a]).cmp(&(split.cuts[*b], &split.keys[*b])));
        let of = |name: &String| match table.find(name).map(|column| &column.values) {
            Some(Values::Days(days)) => {
                Some(DateColumn { name: name.clone(), days: rows.iter().map(|row| days[*row]).collect() })
            }
            _ => None,
        };
        self.dates.iter().filter_map(of).collect()
    }
}

impl Chosen {
    fn values(&self, table: &Table, rows: &[usize]) -> Result<Vec<f64>, TrainFileError> {
        let column = table.named("the model", &self.name)?;
        if let Some(categories) = &self.declared.categories {
            let codes: BTreeMap<&str, f64> =
                categories.iter().enumerate().map(|(code, category)| (category.as_str(), code as f64)).collect();
            let code = |row: &usize| column.text(*row).and_then(|text| codes.get(text.as_str()).copied());
            return Ok(rows.iter().map(|row| code(row).unwrap_or(f64::NAN)).collect());
        }
        match &column.values {
            // Those of the file that was chosen by are finite already.
            Values::Numbers(values) => match rows.iter().find(|row| values[**row].is_infinite()) {
                Some(row) => Err(TrainFileError::Infinite { column: self.name.clone(), row: *row }),
                None => Ok(rows.iter().map(|row| values[*row]).collect()),
            },
            _ => Err(TrainFileError::OtherType {
                path: table.path.clone(),
                column: self.name.clone(),
                found: column.type_name.clone(),
            }),
        }
    }
}

fn flag_of(monotone: Monotone) -> &'static str {
    match monotone {
        Monotone::Increasing => "--increasing",
        Monotone::Decreasing => "--decreasing",
    }
}

/// The categories that are told apart, in the order of their names; or why there are none.
fn categories(column: &FileColumn, rows: &[usize]) -> Result<Vec<String>, &'static str> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for text in rows.iter().filter_map(|row| column.text(*row)) {
        *counts.entry(text).or_default() += 1;
    }
    if counts.len() < 2 {
        return Err("is the same in all training rows");
    }
    let mut frequent: Vec<(String, usize)> =
        counts.into_iter().filter(|(_, count)| *count >= LEAST_CATEGORY_ROWS.min(rows.len() / 4)).collect();
    frequent.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    frequent.truncate(MOST_CATEGORIES);
    let mut categories: Vec<String> = frequent.into_iter().map(|(category, _)| category).collect();
    categories.sort_unstable();
    if categories.is_empty() {
        return Err("has other texts in nearly every row: it names them, and tells nothing of others");
    }
    Ok(categories)
}

/// Refuses texts that are numbers for the most part.
fn check_numbers(name: &str, texts: &[Option<String>]) -> Result<(), TrainFileError> {
    let is_number = |text: &str| text.trim().parse::<f64>().is_ok();
    let present = texts.iter().flatten().filter(|text| !text.trim().is_empty()).count();
    let numbers = texts.iter().flatten().filter(|text| is_number(text)).count();
    if present == 0 || (numbers as f64) < NUMBERS * present as f64 {
        return Ok(());
    }
    let column = name.to_owned();
    let other = texts
        .iter()
        .enumerate()
        .find_map(|(row, text)| text.as_ref().filter(|text| !is_number(text)).map(|text| (row, text.clone())));
    match other {
        Some((row, value)) => Err(TrainFileError::TextInNumber { column, row, value }),
        None => Err(TrainFileError::NumbersAsTexts { column }),
    }
}
