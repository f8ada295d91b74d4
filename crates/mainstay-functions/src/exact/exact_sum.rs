//! Sums of floats, or of products of floats, that lose nothing.
//!
//! A finite float is an integer of 53 bits times a power of two. The exponents are cut into blocks of 32, and each block has an
//! integer of 128 bits that takes up every term whose exponent lies in it: no term is ever rounded, and as integers add up to the
//! same sum in any order, so does the whole. (The idea of Kulisch's long accumulator; Neal, "Fast exact summation using small and
//! large superaccumulators", arXiv:1505.05571, explains why wide words need no carries.)
//!
//! Amounts of one kind fall into one block (that of whole and broken numbers from 0.0003 to a million is the same), which is
//! held inline: a sum is 48 bytes until its terms need a second block, and never more than all blocks.

use super::dyadic::Dyadic;

/// The exact sum of terms of `WORDS` words each: one for floats, two for products of two floats.
///
/// Word `j` of block `k` counts in units of `2^(53 j + 32 k)`. A term adds less than `2^85` to a word, so that 2^42 rows fit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExactSum<const WORDS: usize> {
    words: [i128; WORDS],
    others: Vec<Block<WORDS>>,
    block: i16,
}

#[derive(Debug, Clone, PartialEq)]
struct Block<const WORDS: usize> {
    words: [i128; WORDS],
    block: i16,
}

/// Whether a row comes in or, out of a sliding window, goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Plus,
    Minus,
}

impl Sign {
    pub(crate) fn of(self, value: i64) -> i64 {
        match self {
            Self::Plus => value,
            Self::Minus => -value,
        }
    }
}

const BLOCK_BITS: u32 = 5;
const MANTISSA_BITS: u32 = 52;
/// Bits of a word of a term.
const WORD_BITS: u32 = 53;

impl<const WORDS: usize> Default for ExactSum<WORDS> {
    fn default() -> Self {
        Self { words: [0; WORDS], others: Vec::new(), block: 0 }
    }
}

impl ExactSum<1> {
    /// Adds or takes away a finite float.
    #[inline]
    pub(crate) fn add(&mut self, value: f64, sign: Sign) {
        let (mantissa, exponent) = decompose(value);
        self.add_words([sign.of(mantissa)], exponent);
    }
}

impl ExactSum<2> {
    /// Adds or takes away the product of two finite floats, unrounded.
    #[inline]
    pub(crate) fn add_product(&mut self, x: f64, y: f64, sign: Sign) {
        let ((x, x_exponent), (y, y_exponent)) = (decompose(x), decompose(y));
        let product = i128::from(x) * i128::from(sign.of(y));
        let low = product & ((1 << WORD_BITS) - 1);
        self.add_words([low as i64, (product >> WORD_BITS) as i64], x_exponent + y_exponent);
    }
}

impl<const WORDS: usize> ExactSum<WORDS> {
    #[inline]
    fn add_words(&mut self, words: [i64; WORDS], exponent: i32) {
        let shift = exponent & ((1 << BLOCK_BITS) - 1);
        let totals = self.block_mut((exponent >> BLOCK_BITS) as i16);
        for (total, word) in totals.iter_mut().zip(words) {
            *total += i128::from(word) << shift;
        }
    }

    /// The inline block while it holds nothing or is the one asked for, else one of the others.
    #[inline]
    fn block_mut(&mut self, block: i16) -> &mut [i128; WORDS] {
        if block != self.block {
            if self.words != [0; WORDS] {
                return self.other_block_mut(block);
            }
            self.block = block;
        }
        &mut self.words
    }

    fn other_block_mut(&mut self, block: i16) -> &mut [i128; WORDS] {
        let index = self.others.iter().position(|other| other.block == block).unwrap_or(self.others.len());
        if index == self.others.len() {
            self.others.push(Block { words: [0; WORDS], block });
        }
        &mut self.others[index].words
    }

    /// The sum itself.
    pub(crate) fn value(&self) -> Dyadic {
        let parts = self.blocks().flat_map(|(block, words)| {
            let exponent = i32::from(block) << BLOCK_BITS;
            words.iter().enumerate().map(move |(j, &word)| Dyadic::new(word, exponent + j as i32 * WORD_BITS as i32))
        });
        parts.fold(Dyadic::zero(), |sum, part| &sum + &part)
    }

    /// The sum as `m * 2^e` if the inline block holds all of it.
    pub(crate) fn as_small(&self) -> Option<(i128, i32)> {
        match self.words.as_slice() {
            &[word] if self.others.is_empty() => Some((word, i32::from(self.block) << BLOCK_BITS)),
            _ => None,
        }
    }

    /// Bytes beside the sum itself.
    pub(crate) fn heap_size(&self) -> usize {
        self.others.capacity() * size_of::<Block<WORDS>>()
    }

    /// Appends the sum to the state of a group.
    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) {
        let held = self.blocks().count() as u8;
        bytes.push(held);
        for (block, words) in self.blocks() {
            bytes.extend(block.to_le_bytes());
            words.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
        }
    }

    /// Adds a sum that `encode` wrote, and leaves what follows it; `None` where the bytes end too soon.
    pub(crate) fn merge_encoded(&mut self, bytes: &mut &[u8]) -> Option<()> {
        let (&held, rest) = bytes.split_first()?;
        *bytes = rest;
        for _ in 0..held {
            let block = i16::from_le_bytes(take(bytes)?);
            for total in self.block_mut(block) {
                *total += i128::from_le_bytes(take(bytes)?);
            }
        }
        Some(())
    }

    /// What is not 0, by block; a block may come twice.
    fn blocks(&self) -> impl Iterator<Item = (i16, &[i128; WORDS])> {
        let others = self.others.iter().map(|other| (other.block, &other.words));
        std::iter::once((self.block, &self.words)).chain(others).filter(|(_, words)| **words != [0; WORDS])
    }
}

/// The first `N` bytes, taken off.
pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

/// A finite float as `mantissa * 2^exponent`.
#[inline]
fn decompose(value: f64) -> (i64, i32) {
    let bits = value.to_bits();
    let biased = ((bits >> MANTISSA_BITS) & 0x7ff) as i32;
    let fraction = (bits & ((1 << MANTISSA_BITS) - 1)) as i64;
    let implicit = i64::from(biased != 0) << MANTISSA_BITS;
    let magnitude = fraction | implicit;
    let mantissa = if value.is_sign_negative() { -magnitude } else { magnitude };
    (mantissa, biased.max(1) - 1075)
}
