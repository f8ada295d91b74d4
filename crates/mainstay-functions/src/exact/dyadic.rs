//! Numbers `m * 2^e` with an integer `m` of any length, and the one rounding that makes a float of them.

use std::ops::{Add, Mul, Sub};

use num_bigint::{BigInt, BigUint, Sign};

/// `mantissa * 2^exponent`, exact under addition, subtraction and multiplication.
#[derive(Debug, Clone)]
pub(crate) struct Dyadic {
    mantissa: BigInt,
    exponent: i32,
}

impl Dyadic {
    pub(crate) fn new(mantissa: impl Into<BigInt>, exponent: i32) -> Self {
        Self { mantissa: mantissa.into(), exponent }
    }

    pub(crate) fn zero() -> Self {
        Self::new(0, 0)
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.mantissa.sign() == Sign::NoSign
    }

    pub(crate) fn is_negative(&self) -> bool {
        self.mantissa.sign() == Sign::Minus
    }

    pub(crate) fn squared(&self) -> Self {
        self * self
    }

    /// The mantissa in units of `2^exponent`, where `exponent` is not above its own.
    fn scaled(&self, exponent: i32) -> BigInt {
        &self.mantissa << (self.exponent - exponent).unsigned_abs()
    }
}

impl Add for &Dyadic {
    type Output = Dyadic;

    fn add(self, other: Self) -> Dyadic {
        let exponent = self.exponent.min(other.exponent);
        Dyadic { mantissa: self.scaled(exponent) + other.scaled(exponent), exponent }
    }
}

impl Sub for &Dyadic {
    type Output = Dyadic;

    fn sub(self, other: Self) -> Dyadic {
        let exponent = self.exponent.min(other.exponent);
        Dyadic { mantissa: self.scaled(exponent) - other.scaled(exponent), exponent }
    }
}

impl Mul for &Dyadic {
    type Output = Dyadic;

    fn mul(self, other: Self) -> Dyadic {
        Dyadic { mantissa: &self.mantissa * &other.mantissa, exponent: self.exponent + other.exponent }
    }
}

/// Bits that a quotient is worked out to, at least: those of a float, one to round by, and some to spare.
const QUOTIENT_BITS: u64 = 66;

/// The float nearest to `numerator / denominator`; the denominator is above 0.
pub(crate) fn ratio(numerator: &Dyadic, denominator: &Dyadic) -> f64 {
    let (quotient, is_inexact, exponent) = divide(numerator, denominator, QUOTIENT_BITS);
    round_integer(numerator.is_negative(), &quotient, is_inexact, exponent)
}

/// The float nearest to the square root of `numerator / denominator`; neither is below 0, and the denominator is not 0.
pub(crate) fn root_of_ratio(numerator: &Dyadic, denominator: &Dyadic) -> f64 {
    let (mut quotient, is_inexact, mut exponent) = divide(numerator, denominator, 2 * QUOTIENT_BITS);
    if exponent % 2 != 0 {
        quotient <<= 1;
        exponent -= 1;
    }
    let root = quotient.sqrt();
    let is_inexact = is_inexact || &root * &root != quotient;
    round_integer(false, &root, is_inexact, exponent / 2)
}

/// The magnitude of the quotient as an integer of at least `bits - 1` bits, whether something is left over, and its exponent.
fn divide(numerator: &Dyadic, denominator: &Dyadic, bits: u64) -> (BigUint, bool, i32) {
    let (above, below) = (numerator.mantissa.magnitude(), denominator.mantissa.magnitude());
    let shift = (bits + below.bits()).saturating_sub(above.bits());
    let above = above << shift;
    let quotient = &above / below;
    let is_inexact = &quotient * below != above;
    (quotient, is_inexact, numerator.exponent - denominator.exponent - shift as i32)
}

fn round_integer(is_negative: bool, magnitude: &BigUint, is_inexact: bool, exponent: i32) -> f64 {
    let dropped = magnitude.bits().saturating_sub(128);
    let is_inexact = is_inexact || magnitude.trailing_zeros().is_some_and(|zeros| zeros < dropped);
    let mut digits = (magnitude >> dropped).iter_u64_digits().map(u128::from).collect::<Vec<_>>().into_iter();
    let top = digits.next().unwrap_or(0) | (digits.next().unwrap_or(0) << 64);
    round(is_negative, top, is_inexact, exponent + dropped as i32)
}

/// The float nearest to `magnitude * 2^exponent`, of two equally near ones the even one. `is_inexact` says that the number is
/// a little larger than that, by less than one unit. Too large a number is infinite, and 0 has no sign.
pub(crate) fn round(is_negative: bool, magnitude: u128, is_inexact: bool, exponent: i32) -> f64 {
    if magnitude == 0 {
        return 0.0;
    }
    let shift = magnitude.leading_zeros();
    let normal = magnitude << shift;
    let exponent = exponent - shift as i32;
    // Of the 128 bits 53 are kept, fewer where the float is subnormal.
    let dropped = 75.max(-1074 - exponent);
    let kept = match dropped {
        129.. => 0,
        128 => u64::from(normal > 1 << 127 || is_inexact),
        _ => {
            let half = 1 << (dropped - 1);
            let (kept, rest) = ((normal >> dropped) as u64, normal & (2 * half - 1));
            kept + u64::from(rest > half || (rest == half && (is_inexact || kept % 2 == 1)))
        }
    };
    // Exponent and fraction lie side by side: a carry out of one is right in the other.
    let biased = exponent + dropped + 1075;
    let bits = if biased > 2046 { f64::INFINITY.to_bits() } else { ((biased as u64 - 1) << 52) + kept };
    let value = f64::from_bits(bits);
    if is_negative && value != 0.0 { -value } else { value }
}
