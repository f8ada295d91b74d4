//! The sets of category codes of one feature, and which of them a value is in.

use crate::column::BLOCK_ROWS;
use crate::condition::{CategorySet, MAX_CATEGORIES};

/// The distinct sets of a feature in order.
#[derive(Debug, Clone)]
pub(super) struct Categories {
    sets: Vec<CategorySet>,
    /// Of each set, once built: bit c % 64 of word c / 64 stands for code c.
    members: Vec<Vec<u64>>,
}

impl Categories {
    pub(super) fn new(mut sets: Vec<CategorySet>) -> Self {
        sets.sort_by(|a, b| a.codes().cmp(b.codes()));
        sets.dedup();
        Self { sets, members: Vec::new() }
    }

    /// Makes the sets ready to be asked.
    pub(super) fn build(&mut self) {
        self.members = self.sets.iter().map(members).collect();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    pub(super) fn position(&self, set: &CategorySet) -> Option<usize> {
        self.sets.binary_search_by(|of| of.codes().cmp(set.codes())).ok()
    }

    /// The codes of values, or [`MAX_CATEGORIES`]: see [`CategorySet::holds`].
    #[inline(always)]
    pub(super) fn codes(values: &[f64], codes: &mut [u32; BLOCK_ROWS]) {
        for (code, value) in codes.iter_mut().zip(values) {
            let is_code = *value > -1.0 && *value < f64::from(MAX_CATEGORIES);
            *code = if is_code { *value as u32 } else { MAX_CATEGORIES };
        }
    }

    /// 0 for the codes in a set, 255 for the others.
    #[inline(always)]
    pub(super) fn outside(&self, set: u32, codes: &[u32; BLOCK_ROWS], outside: &mut [u8; BLOCK_ROWS]) {
        match self.members[set as usize][..] {
            // Without a look-up, one step on a vector.
            [word] => {
                for (outside, code) in outside.iter_mut().zip(codes) {
                    let word = if *code < 64 { word } else { 0 };
                    *outside = ((word >> (code % 64)) as u8 & 1).wrapping_sub(1);
                }
            }
            ref words => {
                for (outside, code) in outside.iter_mut().zip(codes) {
                    let word = words.get(*code as usize / 64).copied().unwrap_or_default();
                    *outside = ((word >> (code % 64)) as u8 & 1).wrapping_sub(1);
                }
            }
        }
    }
}

fn members(set: &CategorySet) -> Vec<u64> {
    let mut words = Vec::new();
    for code in set.codes() {
        words.resize(words.len().max(code as usize / 64 + 1), 0);
        words[code as usize / 64] |= 1 << (code % 64);
    }
    words
}
