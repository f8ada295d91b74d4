//! Some rows at a time: the few operations that the kernel is made of.
//!
//! Each is one rounding of IEEE 754 or none, so that every implementation gives the same bits.

#![allow(unsafe_code)]

use std::ops::{Add, Mul, Sub};

use crate::kernel::bytes::{self, Bytes};

/// Rows that go through a tree together.
pub(super) const ROWS: usize = 32;

/// A number of each row.
pub(super) type Rows<T> = [T; ROWS];

/// A number of each row of a vector, or a truth: all bits set or none. `at` counts the vectors of [`ROWS`].
pub(super) trait Vector: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> {
    /// The bytes that lanes are written with.
    type Bytes: Bytes;

    /// The same number for every row.
    fn splat(value: f32) -> Self;
    /// The numbers in memory.
    fn load(from: &Rows<f32>, at: usize) -> Self;
    /// Into memory.
    fn store(self, to: &mut Rows<f32>, at: usize);
    /// Added to sums of double precision.
    fn add_to(self, sums: &mut Rows<f64>, at: usize);
    /// The rows whose byte is below `bound`.
    fn is_below(bytes: &Rows<i8>, bound: i8, at: usize) -> Self;
    /// Those bits that `mask` has set.
    fn and(self, mask: Self) -> Self;
    /// Those bits that `mask` has not set.
    fn and_not(self, mask: Self) -> Self;
    /// The rows of `self` where `mask` says so, and those of `other` elsewhere.
    fn where_else(self, mask: Self, other: Self) -> Self;
}

/// Rows of a portable vector, and of one of AVX2.
const WIDTH: usize = 8;

/// The obvious implementation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Portable([f32; WIDTH]);

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|row| f(self.0[row], other.0[row])))
    }

    #[inline(always)]
    fn zip_bits(self, other: Self, f: impl Fn(u32, u32) -> u32) -> Self {
        self.zip(other, |a, b| f32::from_bits(f(a.to_bits(), b.to_bits())))
    }
}

impl Add for Portable {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl Sub for Portable {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
}

impl Mul for Portable {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
}

impl Vector for Portable {
    type Bytes = bytes::Portable;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; WIDTH])
    }

    #[inline(always)]
    fn load(from: &Rows<f32>, at: usize) -> Self {
        Self(from.as_chunks().0[at])
    }

    #[inline(always)]
    fn store(self, to: &mut Rows<f32>, at: usize) {
        to.as_chunks_mut().0[at] = self.0;
    }

    #[inline(always)]
    fn add_to(self, sums: &mut Rows<f64>, at: usize) {
        let sums: &mut [f64; WIDTH] = &mut sums.as_chunks_mut().0[at];
        for (sum, value) in sums.iter_mut().zip(self.0) {
            *sum += f64::from(value);
        }
    }

    #[inline(always)]
    fn is_below(bytes: &Rows<i8>, bound: i8, at: usize) -> Self {
        let bytes: &[i8; WIDTH] = &bytes.as_chunks().0[at];
        Self(bytes.map(|byte| f32::from_bits(if byte < bound { u32::MAX } else { 0 })))
    }

    #[inline(always)]
    fn and(self, mask: Self) -> Self {
        self.zip_bits(mask, |a, m| a & m)
    }

    #[inline(always)]
    fn and_not(self, mask: Self) -> Self {
        self.zip_bits(mask, |a, m| a & !m)
    }

    #[inline(always)]
    fn where_else(self, mask: Self, other: Self) -> Self {
        self.and(mask).zip_bits(other.and_not(mask), |a, b| a | b)
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::ops::{Add, Mul, Sub};

    use super::{Rows, Vector, WIDTH};
    use crate::kernel::bytes;

    // Only to be used where the processor has the instructions: whoever makes an `InstructionSet` asks for them.
    //
    // That is what makes each `unsafe` below sound; those that go to memory are given references to all that they touch.

    /// AVX2, eight rows.
    #[derive(Debug, Clone, Copy)]
    pub(in super::super) struct Avx2(__m256);

    impl Add for Avx2 {
        type Output = Self;

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            Self(unsafe { _mm256_add_ps(self.0, other.0) })
        }
    }

    impl Sub for Avx2 {
        type Output = Self;

        #[inline(always)]
        fn sub(self, other: Self) -> Self {
            Self(unsafe { _mm256_sub_ps(self.0, other.0) })
        }
    }

    impl Mul for Avx2 {
        type Output = Self;

        #[inline(always)]
        fn mul(self, other: Self) -> Self {
            Self(unsafe { _mm256_mul_ps(self.0, other.0) })
        }
    }

    impl Vector for Avx2 {
        type Bytes = bytes::Avx2;

        #[inline(always)]
        fn splat(value: f32) -> Self {
            Self(unsafe { _mm256_set1_ps(value) })
        }

        #[inline(always)]
        fn load(from: &Rows<f32>, at: usize) -> Self {
            let from: &[f32; WIDTH] = &from.as_chunks().0[at];
            Self(unsafe { _mm256_loadu_ps(from.as_ptr()) })
        }

        #[inline(always)]
        fn store(self, to: &mut Rows<f32>, at: usize) {
            let to: &mut [f32; WIDTH] = &mut to.as_chunks_mut().0[at];
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), self.0) }
        }

        #[inline(always)]
        fn add_to(self, sums: &mut Rows<f64>, at: usize) {
            let sums: &mut [f64; WIDTH] = &mut sums.as_chunks_mut().0[at];
            let (low, high) = sums.split_at_mut(WIDTH / 2);
            unsafe {
                let sum = _mm256_add_pd(_mm256_loadu_pd(low.as_ptr()), _mm256_cvtps_pd(_mm256_castps256_ps128(self.0)));
                _mm256_storeu_pd(low.as_mut_ptr(), sum);
                let upper = _mm256_extractf128_ps::<1>(self.0);
                let sum = _mm256_add_pd(_mm256_loadu_pd(high.as_ptr()), _mm256_cvtps_pd(upper));
                _mm256_storeu_pd(high.as_mut_ptr(), sum);
            }
        }

        #[inline(always)]
        fn is_below(bytes: &Rows<i8>, bound: i8, at: usize) -> Self {
            let bytes: &[i8; WIDTH] = &bytes.as_chunks().0[at];
            unsafe {
                let bytes = _mm256_cvtepi8_epi32(_mm_loadl_epi64(bytes.as_ptr().cast()));
                Self(_mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(i32::from(bound)), bytes)))
            }
        }

        #[inline(always)]
        fn and(self, mask: Self) -> Self {
            Self(unsafe { _mm256_and_ps(self.0, mask.0) })
        }

        #[inline(always)]
        fn and_not(self, mask: Self) -> Self {
            Self(unsafe { _mm256_andnot_ps(mask.0, self.0) })
        }

        #[inline(always)]
        fn where_else(self, mask: Self, other: Self) -> Self {
            Self(unsafe { _mm256_blendv_ps(other.0, self.0, mask.0) })
        }
    }

    /// Rows of a vector of AVX-512.
    const WIDE: usize = 16;

    /// AVX-512, sixteen rows.
    #[derive(Debug, Clone, Copy)]
    pub(in super::super) struct Avx512(__m512);

    impl Add for Avx512 {
        type Output = Self;

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            Self(unsafe { _mm512_add_ps(self.0, other.0) })
        }
    }

    impl Sub for Avx512 {
        type Output = Self;

        #[inline(always)]
        fn sub(self, other: Self) -> Self {
            Self(unsafe { _mm512_sub_ps(self.0, other.0) })
        }
    }

    impl Mul for Avx512 {
        type Output = Self;

        #[inline(always)]
        fn mul(self, other: Self) -> Self {
            Self(unsafe { _mm512_mul_ps(self.0, other.0) })
        }
    }

    impl Vector for Avx512 {
        type Bytes = bytes::Avx512;

        #[inline(always)]
        fn splat(value: f32) -> Self {
            Self(unsafe { _mm512_set1_ps(value) })
        }

        #[inline(always)]
        fn load(from: &Rows<f32>, at: usize) -> Self {
            let from: &[f32; WIDE] = &from.as_chunks().0[at];
            Self(unsafe { _mm512_loadu_ps(from.as_ptr()) })
        }

        #[inline(always)]
        fn store(self, to: &mut Rows<f32>, at: usize) {
            let to: &mut [f32; WIDE] = &mut to.as_chunks_mut().0[at];
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self.0) }
        }

        #[inline(always)]
        fn add_to(self, sums: &mut Rows<f64>, at: usize) {
            let sums: &mut [f64; WIDE] = &mut sums.as_chunks_mut().0[at];
            let (low, high) = sums.split_at_mut(WIDE / 2);
            unsafe {
                let lower = _mm512_cvtps_pd(_mm512_castps512_ps256(self.0));
                _mm512_storeu_pd(low.as_mut_ptr(), _mm512_add_pd(_mm512_loadu_pd(low.as_ptr()), lower));
                let upper = _mm512_cvtps_pd(_mm512_extractf32x8_ps::<1>(self.0));
                _mm512_storeu_pd(high.as_mut_ptr(), _mm512_add_pd(_mm512_loadu_pd(high.as_ptr()), upper));
            }
        }

        #[inline(always)]
        fn is_below(bytes: &Rows<i8>, bound: i8, at: usize) -> Self {
            let bytes: &[i8; WIDE] = &bytes.as_chunks().0[at];
            unsafe {
                let bytes = _mm512_cvtepi8_epi32(_mm_loadu_si128(bytes.as_ptr().cast()));
                let is_below = _mm512_cmplt_epi32_mask(bytes, _mm512_set1_epi32(i32::from(bound)));
                Self(_mm512_castsi512_ps(_mm512_movm_epi32(is_below)))
            }
        }

        #[inline(always)]
        fn and(self, mask: Self) -> Self {
            Self(unsafe { _mm512_and_ps(self.0, mask.0) })
        }

        #[inline(always)]
        fn and_not(self, mask: Self) -> Self {
            Self(unsafe { _mm512_andnot_ps(mask.0, self.0) })
        }

        #[inline(always)]
        fn where_else(self, mask: Self, other: Self) -> Self {
            /// Bit 4 a + 2 b + c of it is: b where a is set, else c.
            const A_CHOOSES: i32 = 0b1100_1010;
            unsafe {
                let (mask, own) = (_mm512_castps_si512(mask.0), _mm512_castps_si512(self.0));
                let other = _mm512_castps_si512(other.0);
                Self(_mm512_castsi512_ps(_mm512_ternarylogic_epi32::<A_CHOOSES>(mask, own, other)))
            }
        }
    }
}
