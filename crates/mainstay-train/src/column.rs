//! The values of a feature, to the bit, in as few bytes as they need.
//!
//! Most features count something, or say one of few things: their values are the places in a list of the distinct ones, a byte or two
//! each. What single precision holds exactly takes four bytes, and all else eight. Rows come a stretch at a time, each in the form that
//! it needs.

use std::collections::HashMap;

/// The most values that a list of distinct ones may have.
const MOST_LISTED: usize = 1 << 16;

/// A column of stretches.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct CompactColumn {
    stretches: Vec<Stretch>,
    /// The row behind each stretch.
    ends: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq)]
enum Stretch {
    OfByte { codes: Vec<u8>, listed: Vec<f64> },
    OfTwoBytes { codes: Vec<u16>, listed: Vec<f64> },
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl CompactColumn {
    /// Adds rows behind those that are there.
    pub(crate) fn push(&mut self, values: &[f64]) {
        if values.is_empty() {
            return;
        }
        self.ends.push(self.len() + values.len());
        self.stretches.push(Stretch::of(values));
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The value of a row; NaN behind the last.
    pub(crate) fn get(&self, row: usize) -> f64 {
        let position = self.ends.partition_point(|end| *end <= row);
        let first = position.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.stretches.get(position).map_or(f64::NAN, |stretch| stretch.get(row - first))
    }

    /// The values from a row on, as many as `out` takes.
    pub(crate) fn fill(&self, first: usize, out: &mut [f64]) {
        let mut filled = 0;
        let mut begin = 0;
        for (stretch, end) in self.stretches.iter().zip(&self.ends) {
            let from = (first + filled).max(begin);
            if filled < out.len() && from < *end {
                let rows = (*end - from).min(out.len() - filled);
                stretch.fill(from - begin, &mut out[filled..filled + rows]);
                filled += rows;
            }
            begin = *end;
        }
    }

    /// Bytes that the values take.
    pub(crate) fn bytes(&self) -> usize {
        self.stretches.iter().map(Stretch::bytes).sum()
    }
}

impl Stretch {
    fn of(values: &[f64]) -> Self {
        let is_single = |value: &f64| f64::from(*value as f32).to_bits() == value.to_bits();
        let plain_bytes = if values.iter().all(is_single) { 4 } else { 8 };
        let plain = || match plain_bytes {
            4 => Self::Single(values.iter().map(|value| *value as f32).collect()),
            _ => Self::Double(values.to_vec()),
        };
        let Some((codes, listed)) = listed(values) else { return plain() };
        if listed.len() <= 1 << 8 {
            return Self::OfByte { codes: codes.into_iter().map(|code| code as u8).collect(), listed };
        }
        if 2 * codes.len() + 8 * listed.len() < plain_bytes * codes.len() {
            return Self::OfTwoBytes { codes, listed };
        }
        plain()
    }

    fn get(&self, row: usize) -> f64 {
        match self {
            Self::OfByte { codes, listed } => listed[usize::from(codes[row])],
            Self::OfTwoBytes { codes, listed } => listed[usize::from(codes[row])],
            Self::Single(values) => f64::from(values[row]),
            Self::Double(values) => values[row],
        }
    }

    fn fill(&self, first: usize, out: &mut [f64]) {
        let rows = first..first + out.len();
        match self {
            Self::OfByte { codes, listed } => {
                out.iter_mut().zip(&codes[rows]).for_each(|(value, code)| *value = listed[usize::from(*code)]);
            }
            Self::OfTwoBytes { codes, listed } => {
                out.iter_mut().zip(&codes[rows]).for_each(|(value, code)| *value = listed[usize::from(*code)]);
            }
            Self::Single(values) => {
                out.iter_mut().zip(&values[rows]).for_each(|(value, single)| *value = f64::from(*single));
            }
            Self::Double(values) => out.copy_from_slice(&values[rows]),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::OfByte { codes, listed } => codes.len() + 8 * listed.len(),
            Self::OfTwoBytes { codes, listed } => 2 * codes.len() + 8 * listed.len(),
            Self::Single(values) => 4 * values.len(),
            Self::Double(values) => 8 * values.len(),
        }
    }
}

/// The place of each value in a list of the distinct ones, by their bits; `None` where there are too many.
fn listed(values: &[f64]) -> Option<(Vec<u16>, Vec<f64>)> {
    let mut places: HashMap<u64, u16> = HashMap::new();
    let (mut codes, mut listed) = (Vec::with_capacity(values.len()), Vec::new());
    for value in values {
        let code = match places.get(&value.to_bits()) {
            Some(code) => *code,
            None if listed.len() == MOST_LISTED => return None,
            None => {
                let code = listed.len() as u16;
                places.insert(value.to_bits(), code);
                listed.push(*value);
                code
            }
        };
        codes.push(code);
    }
    Some((codes, listed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{mix, unit};

    fn kinds(column: &CompactColumn) -> Vec<&'static str> {
        let kind = |stretch: &Stretch| match stretch {
            Stretch::OfByte { .. } => "byte",
            Stretch::OfTwoBytes { .. } => "two bytes",
            Stretch::Single(_) => "single",
            Stretch::Double(_) => "double",
        };
        column.stretches.iter().map(kind).collect()
    }

    #[test]
    fn every_value_comes_back_to_the_bit_in_the_fewest_bytes() {
        let stretches: [Vec<f64>; 5] = [
            (0..1_000).map(|row| f64::from(row % 200) / 3.0).chain([f64::NAN, -0.0, 0.0]).collect(),
            (0..9_000).map(|row| f64::from(row % 900) * 0.01).collect(),
            (0..90_000).map(f64::from).collect(),
            (0..90_000)
                .map(|row| unit(mix(row)))
                .chain([f64::MIN_POSITIVE, f64::MAX, f64::from_bits(f64::NAN.to_bits() | 1)])
                .collect(),
            vec![1e300],
        ];
        let mut column = CompactColumn::default();
        stretches.iter().for_each(|values| column.push(values));
        column.push(&[]);
        assert_eq!(kinds(&column), ["byte", "two bytes", "single", "double", "byte"]);
        let all: Vec<u64> = stretches.concat().iter().map(|value| value.to_bits()).collect();
        assert_eq!(column.len(), all.len());
        assert!((0..all.len()).all(|row| column.get(row).to_bits() == all[row]));
        for (first, rows) in [(0, all.len()), (999, 9_010), (5, 0), (10_002, 3), (all.len() - 1, 1)] {
            let mut out = vec![0.0; rows];
            column.fill(first, &mut out);
            assert!(out.iter().zip(&all[first..]).all(|(value, bits)| value.to_bits() == *bits), "{first} {rows}");
        }
        assert!(column.get(all.len()).is_nan());
        let expected = 1_003 + 8 * 202 + 2 * 9_000 + 8 * 900 + 4 * 90_000 + 8 * 90_003 + 1 + 8;
        assert_eq!(column.bytes(), expected);
    }
}
