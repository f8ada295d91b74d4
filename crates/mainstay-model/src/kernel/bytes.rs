//! A vector of bytes, one for each of some rows of a block: the few operations that the kernel is made of.
//!
//! They compare, choose, copy and count down whole bytes, so that every implementation gives the same.

#![allow(unsafe_code)]

use std::array;

use crate::column::BLOCK_ROWS;

/// One byte for each row of a block.
pub(crate) type LaneBytes = [i8; BLOCK_ROWS];
/// One bit for each row of a block, the first row in the lowest bit of the first word.
pub(crate) type RowBits = [u64; BLOCK_ROWS / 64];

/// A set of numbers: bit n % 8 of byte n / 8 stands for n.
pub(crate) type ByteSet = [u8; 16];

pub(crate) trait Bytes: Copy {
    /// How many rows a vector has; it divides [`BLOCK_ROWS`].
    const WIDTH: usize;

    /// The same byte for every row.
    fn splat(byte: i8) -> Self;
    /// The vector `at` of a lane, counted in vectors.
    fn load(lane: &LaneBytes, at: usize) -> Self;
    /// Into the vector `at` of a lane.
    fn store(self, lane: &mut LaneBytes, at: usize);
    /// One less for the rows whose byte is below the bound.
    fn one_less_below(self, bytes: Self, bound: Self) -> Self;
    /// `left` for the rows whose byte is below the bound, `right` for the others.
    fn select_below(bytes: Self, bound: Self, left: Self, right: Self) -> Self;
    /// Writes -1 for each row whose bit is set, 0 for the others.
    fn spread(bits: &RowBits, lane: &mut LaneBytes);
    /// Whether [`Self::look_up`] costs less than [`Self::spread`].
    const LOOKS_UP: bool;
    /// Writes -1 for each row of which the byte `place` of the set has the bit of `bit`, 0 for the others.
    fn look_up(set: &ByteSet, place: &LaneBytes, bit: &LaneBytes, lane: &mut LaneBytes);
}

/// The obvious implementation, for 16 rows: the vectors that nearly every processor has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable([i8; 16]);

impl Bytes for Portable {
    const WIDTH: usize = 16;

    #[inline(always)]
    fn splat(byte: i8) -> Self {
        Self([byte; 16])
    }

    #[inline(always)]
    fn load(lane: &LaneBytes, at: usize) -> Self {
        Self(lane.as_chunks().0[at])
    }

    #[inline(always)]
    fn store(self, lane: &mut LaneBytes, at: usize) {
        lane.as_chunks_mut().0[at] = self.0;
    }

    #[inline(always)]
    fn one_less_below(self, bytes: Self, bound: Self) -> Self {
        Self(array::from_fn(|row| self.0[row].wrapping_sub(i8::from(bytes.0[row] < bound.0[row]))))
    }

    #[inline(always)]
    fn select_below(bytes: Self, bound: Self, left: Self, right: Self) -> Self {
        Self(array::from_fn(|row| if bytes.0[row] < bound.0[row] { left.0[row] } else { right.0[row] }))
    }

    #[inline(always)]
    fn spread(bits: &RowBits, lane: &mut LaneBytes) {
        let (chunks, _) = lane.as_chunks_mut::<64>();
        for (word, chunk) in bits.iter().zip(chunks) {
            let (chunks, _) = chunk.as_chunks_mut::<8>();
            for (byte, chunk) in word.to_le_bytes().into_iter().zip(chunks) {
                *chunk = SPREAD[usize::from(byte)];
            }
        }
    }

    const LOOKS_UP: bool = false;

    fn look_up(set: &ByteSet, place: &LaneBytes, bit: &LaneBytes, lane: &mut LaneBytes) {
        *lane = array::from_fn(|row| {
            let byte = set[place[row].cast_unsigned() as usize % set.len()];
            if byte.cast_signed() & bit[row] == 0 { 0 } else { -1 }
        });
    }
}

/// The eight rows of each byte of bits.
static SPREAD: [[i8; 8]; 256] = {
    let mut spread = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut row = 0;
        while row < 8 {
            spread[byte][row] = if byte >> row & 1 == 1 { -1 } else { 0 };
            row += 1;
        }
        byte += 1;
    }
    spread
};

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

/// Only to be used where the processor has the instructions: whoever makes an `InstructionSet` asks for them.
///
/// That is what makes each `unsafe` below sound; those that go to memory are given references to all that they touch.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{ByteSet, Bytes, LaneBytes, RowBits};

    /// 32 rows.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Avx2(__m256i);

    impl Bytes for Avx2 {
        const WIDTH: usize = 32;

        #[inline(always)]
        fn splat(byte: i8) -> Self {
            Self(unsafe { _mm256_set1_epi8(byte) })
        }

        #[inline(always)]
        fn load(lane: &LaneBytes, at: usize) -> Self {
            let rows: &[i8; 32] = &lane.as_chunks().0[at];
            Self(unsafe { _mm256_loadu_si256(rows.as_ptr().cast()) })
        }

        #[inline(always)]
        fn store(self, lane: &mut LaneBytes, at: usize) {
            let rows: &mut [i8; 32] = &mut lane.as_chunks_mut().0[at];
            unsafe { _mm256_storeu_si256(rows.as_mut_ptr().cast(), self.0) }
        }

        #[inline(always)]
        fn one_less_below(self, bytes: Self, bound: Self) -> Self {
            Self(unsafe { _mm256_add_epi8(self.0, _mm256_cmpgt_epi8(bound.0, bytes.0)) })
        }

        #[inline(always)]
        fn select_below(bytes: Self, bound: Self, left: Self, right: Self) -> Self {
            Self(unsafe { _mm256_blendv_epi8(right.0, left.0, _mm256_cmpgt_epi8(bound.0, bytes.0)) })
        }

        #[inline(always)]
        fn spread(bits: &RowBits, lane: &mut LaneBytes) {
            unsafe {
                let bits = _mm256_loadu_si256(bits.as_ptr().cast());
                // Byte r / 8 of the 32 bits comes to row r.
                let bytes = _mm256_setr_epi64x(0, 0x0101_0101_0101_0101, 0x0202_0202_0202_0202, 0x0303_0303_0303_0303);
                let own_bit = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
                for vector in 0..8 {
                    let word = _mm256_permutevar8x32_epi32(bits, _mm256_set1_epi32(vector));
                    let row_bits = _mm256_and_si256(_mm256_shuffle_epi8(word, bytes), own_bit);
                    Self(_mm256_cmpeq_epi8(row_bits, own_bit)).store(lane, vector as usize);
                }
            }
        }

        const LOOKS_UP: bool = true;

        #[inline(always)]
        fn look_up(set: &ByteSet, place: &LaneBytes, bit: &LaneBytes, lane: &mut LaneBytes) {
            unsafe {
                let set = _mm256_broadcastsi128_si256(_mm_loadu_si128(set.as_ptr().cast()));
                for vector in 0..8 {
                    let bit = Self::load(bit, vector).0;
                    let found = _mm256_and_si256(_mm256_shuffle_epi8(set, Self::load(place, vector).0), bit);
                    Self(_mm256_cmpeq_epi8(found, bit)).store(lane, vector);
                }
            }
        }
    }

    /// 64 rows.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Avx512(__m512i);

    impl Bytes for Avx512 {
        const WIDTH: usize = 64;

        #[inline(always)]
        fn splat(byte: i8) -> Self {
            Self(unsafe { _mm512_set1_epi8(byte) })
        }

        #[inline(always)]
        fn load(lane: &LaneBytes, at: usize) -> Self {
            let rows: &[i8; 64] = &lane.as_chunks().0[at];
            Self(unsafe { _mm512_loadu_si512(rows.as_ptr().cast()) })
        }

        #[inline(always)]
        fn store(self, lane: &mut LaneBytes, at: usize) {
            let rows: &mut [i8; 64] = &mut lane.as_chunks_mut().0[at];
            unsafe { _mm512_storeu_si512(rows.as_mut_ptr().cast(), self.0) }
        }

        #[inline(always)]
        fn one_less_below(self, bytes: Self, bound: Self) -> Self {
            unsafe {
                let is_below = _mm512_cmplt_epi8_mask(bytes.0, bound.0);
                Self(_mm512_mask_sub_epi8(self.0, is_below, self.0, _mm512_set1_epi8(1)))
            }
        }

        #[inline(always)]
        fn select_below(bytes: Self, bound: Self, left: Self, right: Self) -> Self {
            Self(unsafe { _mm512_mask_blend_epi8(_mm512_cmplt_epi8_mask(bytes.0, bound.0), right.0, left.0) })
        }

        #[inline(always)]
        fn spread(bits: &RowBits, lane: &mut LaneBytes) {
            for (vector, bits) in bits.iter().enumerate() {
                Self(unsafe { _mm512_movm_epi8(*bits) }).store(lane, vector);
            }
        }

        const LOOKS_UP: bool = true;

        #[inline(always)]
        fn look_up(set: &ByteSet, place: &LaneBytes, bit: &LaneBytes, lane: &mut LaneBytes) {
            unsafe {
                let set = _mm512_broadcast_i32x4(_mm_loadu_si128(set.as_ptr().cast()));
                for vector in 0..4 {
                    let found = _mm512_shuffle_epi8(set, Self::load(place, vector).0);
                    let is_member = _mm512_test_epi8_mask(found, Self::load(bit, vector).0);
                    Self(_mm512_movm_epi8(is_member)).store(lane, vector);
                }
            }
        }
    }
}
