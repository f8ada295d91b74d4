//! Eight rows at a time: the few operations that the kernel is made of.
//!
//! Each is one rounding of IEEE 754 or none, so that every implementation gives the same bits.

#![allow(unsafe_code)]

use std::ops::{Add, Mul, Sub};

/// Rows of a vector.
pub(super) const WIDTH: usize = 8;

/// A number of each of eight rows, or a truth: all bits set or none.
pub(super) trait Vector: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> {
    /// The same number for every row.
    fn splat(value: f32) -> Self;
    /// The numbers in memory.
    fn load(from: &[f32; WIDTH]) -> Self;
    /// Into memory.
    fn store(self, to: &mut [f32; WIDTH]);
    /// Added to sums of double precision.
    fn add_to(self, sums: &mut [f64; WIDTH]);
    /// The rows whose byte is below `bound`.
    fn is_below(bytes: &[i8; WIDTH], bound: i8) -> Self;
    /// Those bits that `mask` has set.
    fn and(self, mask: Self) -> Self;
    /// Those bits that `mask` has not set.
    fn and_not(self, mask: Self) -> Self;
    /// The rows of `self` where `mask` says so, and those of `other` elsewhere.
    fn where_else(self, mask: Self, other: Self) -> Self;
}

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
    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; WIDTH])
    }

    #[inline(always)]
    fn load(from: &[f32; WIDTH]) -> Self {
        Self(*from)
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; WIDTH]) {
        *to = self.0;
    }

    #[inline(always)]
    fn add_to(self, sums: &mut [f64; WIDTH]) {
        for (sum, value) in sums.iter_mut().zip(self.0) {
            *sum += f64::from(value);
        }
    }

    #[inline(always)]
    fn is_below(bytes: &[i8; WIDTH], bound: i8) -> Self {
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
pub(super) use x86::Avx2;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::ops::{Add, Mul, Sub};

    use super::{Vector, WIDTH};

    /// AVX2. Only to be used where the processor has it: the kernel asks once per call, before the first vector.
    ///
    /// That is what makes each `unsafe` below sound; those that go to memory are given references to all that they touch.
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
        #[inline(always)]
        fn splat(value: f32) -> Self {
            Self(unsafe { _mm256_set1_ps(value) })
        }

        #[inline(always)]
        fn load(from: &[f32; WIDTH]) -> Self {
            Self(unsafe { _mm256_loadu_ps(from.as_ptr()) })
        }

        #[inline(always)]
        fn store(self, to: &mut [f32; WIDTH]) {
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), self.0) }
        }

        #[inline(always)]
        fn add_to(self, sums: &mut [f64; WIDTH]) {
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
        fn is_below(bytes: &[i8; WIDTH], bound: i8) -> Self {
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
}
