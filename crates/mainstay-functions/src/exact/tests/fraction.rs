//! Fractions of integers of any length: the reference, slow and obvious.

use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Sub};

use num_bigint::BigInt;

#[derive(Debug, Clone)]
pub(super) struct Fraction {
    numerator: BigInt,
    /// Above 0.
    denominator: BigInt,
}

impl Fraction {
    pub(super) fn integer(value: impl Into<BigInt>) -> Self {
        Self { numerator: value.into(), denominator: BigInt::from(1) }
    }

    /// A finite float, by all the digits that it has.
    pub(super) fn of(value: f64) -> Self {
        let digits = format!("{value:.1074}").replace('.', "");
        Self { numerator: digits.parse().unwrap(), denominator: BigInt::from(10).pow(1074) }
    }

    pub(super) fn sum(values: impl IntoIterator<Item = Self>) -> Self {
        values.into_iter().fold(Self::integer(0), |sum, value| &sum + &value)
    }

    pub(super) fn sign(&self) -> Ordering {
        self.numerator.cmp(&BigInt::ZERO)
    }

    fn cmp(&self, other: &Self) -> Ordering {
        (&self.numerator * &other.denominator).cmp(&(&other.numerator * &self.denominator))
    }

    /// Asserts that no float is nearer to the fraction, and that of two equally near ones it is the even one.
    pub(super) fn assert_nearest(&self, value: f64) {
        self.assert_nearest_by(value, |middle| self.cmp(middle));
    }

    /// Asserts the same of the square root of the fraction.
    pub(super) fn assert_root_nearest(&self, value: f64) {
        assert!(value >= 0.0, "{value} is no root");
        self.assert_nearest_by(value, |middle| match middle.sign() {
            Ordering::Less => Ordering::Greater,
            _ => self.cmp(&(middle * middle)),
        });
    }

    fn assert_nearest_by(&self, value: f64, compare: impl Fn(&Self) -> Ordering) {
        let is_even = value.to_bits().is_multiple_of(2);
        let (above, below) = (middle(value, value.next_up()), middle(value, value.next_down()));
        let (to_above, to_below) = (above.map(|middle| compare(&middle)), below.map(|middle| compare(&middle)));
        let is_below =
            matches!(to_above, None | Some(Ordering::Less)) || (is_even && to_above == Some(Ordering::Equal));
        let is_above =
            matches!(to_below, None | Some(Ordering::Greater)) || (is_even && to_below == Some(Ordering::Equal));
        assert!(is_below && is_above, "{value:e} is not nearest: {to_above:?} {to_below:?}");
    }
}

/// The middle of two neighbours; infinity lies where the next float would, and beyond it there is nothing.
fn middle(one: f64, other: f64) -> Option<Fraction> {
    let two = Fraction::integer(2);
    let next_power = || &Fraction::of(f64::MAX) + &Fraction::of(f64::MAX - f64::MAX.next_down());
    let place = |value: f64| match value {
        f64::INFINITY => next_power(),
        f64::NEG_INFINITY => &Fraction::integer(0) - &next_power(),
        value => Fraction::of(value),
    };
    (one != other).then(|| &(&place(one) + &place(other)) / &two)
}

impl Add for &Fraction {
    type Output = Fraction;

    fn add(self, other: Self) -> Fraction {
        if self.denominator == other.denominator {
            return Fraction { numerator: &self.numerator + &other.numerator, denominator: self.denominator.clone() };
        }
        Fraction {
            numerator: &self.numerator * &other.denominator + &other.numerator * &self.denominator,
            denominator: &self.denominator * &other.denominator,
        }
    }
}

impl Sub for &Fraction {
    type Output = Fraction;

    fn sub(self, other: Self) -> Fraction {
        self + &Fraction { numerator: -&other.numerator, denominator: other.denominator.clone() }
    }
}

impl Mul for &Fraction {
    type Output = Fraction;

    fn mul(self, other: Self) -> Fraction {
        Fraction { numerator: &self.numerator * &other.numerator, denominator: &self.denominator * &other.denominator }
    }
}

impl Div for &Fraction {
    type Output = Fraction;

    /// `other` is not 0.
    fn div(self, other: Self) -> Fraction {
        let sign = BigInt::from(if other.sign() == Ordering::Less { -1 } else { 1 });
        Fraction {
            numerator: &self.numerator * &other.denominator * &sign,
            denominator: &self.denominator * &other.numerator * sign,
        }
    }
}
