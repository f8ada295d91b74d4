//! The least or the greatest text of many groups.
//!
//! The built-in aggregate allocates memory for each group, of which there may be millions. Here a short text stands in the row of its
//! group; what is passed between the halves of the aggregate is the built-in one's, a text.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringViewBuilder};
use arrow::compute::nullif;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use crate::kept_rows::{for_each_kept, is_true};

/// Bytes of the longest text that stands in the row of its group.
const SHORT: usize = 15;

/// The length that says that there is no text, and the one of a text that stands elsewhere.
const NONE: u8 = u8::MAX;
const LONG: u8 = NONE - 1;

/// The texts of groups, the least or the greatest of each.
#[derive(Debug)]
pub(crate) struct TextExtremes {
    is_greatest: bool,
    texts: Vec<Short>,
    /// Those that are not short, by group.
    long: HashMap<usize, Box<[u8]>>,
    long_bytes: usize,
}

#[derive(Debug, Clone, Copy)]
struct Short {
    length: u8,
    bytes: [u8; SHORT],
}

impl TextExtremes {
    pub(crate) fn new(is_greatest: bool) -> Self {
        Self { is_greatest, texts: Vec::new(), long: HashMap::new(), long_bytes: 0 }
    }

    fn text(&self, group: usize) -> Option<&[u8]> {
        let Short { length, bytes } = &self.texts[group];
        match *length {
            NONE => None,
            LONG => self.long.get(&group).map(AsRef::as_ref),
            length => Some(&bytes[..length.into()]),
        }
    }

    fn set(&mut self, group: usize, text: &[u8]) {
        let short = &mut self.texts[group];
        if text.len() <= SHORT {
            short.length = text.len() as u8;
            short.bytes[..text.len()].copy_from_slice(text);
        } else {
            short.length = LONG;
            let before = self.long.insert(group, text.into());
            self.long_bytes = self.long_bytes + text.len() - before.map_or(0, |text| text.len());
        }
    }

    /// Texts are compared by their bytes, which is the order of their characters too.
    fn include(&mut self, values: &ArrayRef, group_indices: &[usize], filter: Option<&BooleanArray>, groups: usize) {
        let none = Short { length: NONE, bytes: [0; SHORT] };
        self.texts.resize(self.texts.len().max(groups), none);
        let values = values.as_string_view();
        for_each_kept(filter, values.len(), |row| {
            if values.is_null(row) {
                return;
            }
            let (text, group) = (values.value(row).as_bytes(), group_indices[row]);
            let is_beyond =
                self.text(group).is_none_or(|known| if self.is_greatest { text > known } else { text < known });
            if is_beyond {
                self.set(group, text);
            }
        });
    }

    fn emit(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = match emit_to {
            EmitTo::All => self.texts.len(),
            EmitTo::First(groups) => groups,
        };
        let mut texts = StringViewBuilder::with_capacity(groups);
        for group in 0..groups {
            let text = self.text(group).map(str::from_utf8).transpose();
            texts.append_option(text.map_err(|error| DataFusionError::External(Box::new(error)))?);
        }
        match emit_to {
            EmitTo::All => *self = Self::new(self.is_greatest),
            EmitTo::First(_) => {
                self.texts.drain(..groups);
                let left = std::mem::take(&mut self.long).into_iter();
                self.long = left.filter_map(|(group, text)| Some((group.checked_sub(groups)?, text))).collect();
                self.long_bytes = self.long.values().map(|text| text.len()).sum();
            }
        }
        Ok(Arc::new(texts.finish()))
    }
}

impl GroupsAccumulator for TextExtremes {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.include(&values[0], group_indices, opt_filter, total_num_groups);
        Ok(())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.include(&values[0], group_indices, None, total_num_groups);
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.emit(emit_to)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.emit(emit_to)?])
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let Some(filter) = opt_filter else { return Ok(vec![Arc::clone(&values[0])]) };
        let left_out = BooleanArray::new(!&is_true(filter), None);
        Ok(vec![nullif(&values[0], &left_out)?])
    }

    fn size(&self) -> usize {
        let entries = self.long.capacity() * size_of::<(usize, Box<[u8]>)>();
        self.texts.capacity() * size_of::<Short>() + entries + self.long_bytes
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::StringViewArray;
    use proptest::prelude::*;

    use super::*;

    type Row = (usize, Option<String>, Option<bool>);

    const GROUPS: usize = 4;

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let text = prop_oneof!["[a-b]{0,3}", "[a-b]{14,17}", "é{6,9}"];
        prop::collection::vec(
            (0..GROUPS, prop::option::weighted(0.9, text), prop::option::weighted(0.9, any::<bool>())),
            0..60,
        )
    }

    fn columns(rows: &[Row]) -> (ArrayRef, Vec<usize>, BooleanArray) {
        let texts: StringViewArray = rows.iter().map(|(_, text, _)| text.as_deref()).collect();
        let groups = rows.iter().map(|(group, ..)| *group).collect();
        (Arc::new(texts), groups, rows.iter().map(|(.., kept)| *kept).collect())
    }

    fn texts(array: &ArrayRef) -> Vec<Option<String>> {
        array.as_string_view().iter().map(|text| text.map(str::to_owned)).collect()
    }

    proptest! {
        #[test]
        fn finds_the_extreme_of_every_group(rows in rows(), is_greatest: bool, cut in any::<prop::sample::Index>(), first in 0..=GROUPS) {
            let of_group = |group| {
                let kept = rows.iter().filter(|(of, _, kept)| *of == group && *kept == Some(true));
                let texts = kept.filter_map(|(_, text, _)| text.clone());
                if is_greatest { texts.max() } else { texts.min() }
            };
            let expected: Vec<Option<String>> = (0..GROUPS).map(of_group).collect();
            // Some rows at once, some by states of single rows, and all through a second half.
            let (direct, converted) = rows.split_at(cut.index(rows.len() + 1));
            let mut partial = TextExtremes::new(is_greatest);
            let (values, groups, kept) = columns(direct);
            partial.update_batch(&[values], &groups, Some(&kept), GROUPS).unwrap();
            let (values, groups, kept) = columns(converted);
            let states = partial.convert_to_state(&[values], Some(&kept)).unwrap();
            let mut merged = TextExtremes::new(is_greatest);
            merged.merge_batch(&states, &groups, GROUPS).unwrap();
            let states = partial.state(EmitTo::All).unwrap();
            merged.merge_batch(&states, &(0..GROUPS).collect::<Vec<_>>(), GROUPS).unwrap();
            let mut found = texts(&merged.evaluate(EmitTo::First(first)).unwrap());
            found.extend(texts(&merged.evaluate(EmitTo::All).unwrap()));
            prop_assert_eq!(found, expected);
        }
    }
}
