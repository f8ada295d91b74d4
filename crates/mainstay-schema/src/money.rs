//! Money: integer cents, never floating point.

use std::fmt;
use std::iter::Sum;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An amount of money in cents of the project's currency. Arithmetic is checked: an overflow is an error, never a wrap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cents(pub i64);

impl Cents {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// Sum, or `None` where it does not fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// Difference, or `None` where it does not fit.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// `floor(share * self)` for a share in [0, 1], the one way in which a probability becomes money.
    ///
    /// The product is taken in double precision, which is exact to the cent below 2^53 cents.
    pub fn share(self, share: f64) -> Self {
        Self((share * self.0 as f64).floor() as i64)
    }
}

impl Sum for Cents {
    /// Saturates: a sum of money beyond 9e16 dollars is a bug elsewhere, and saturating keeps it visible.
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, |total, amount| Self(total.0.saturating_add(amount.0)))
    }
}

impl fmt::Display for Cents {
    /// `1,234.56`, with a leading minus where negative.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        let digits = (cents / 100).to_string();
        let mut grouped = String::with_capacity(digits.len() * 4 / 3);
        for (position, digit) in digits.chars().enumerate() {
            if position > 0 && (digits.len() - position).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        f.pad(&format!("{sign}{grouped}.{:02}", cents % 100))
    }
}

/// Why a text is not an amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount of money: write it like 50000, 12.50 or -3.05, with at most two decimals")]
pub struct ParseCentsError(String);

impl FromStr for Cents {
    type Err = ParseCentsError;

    /// Reads `50000`, `12.5`, `-3.05`: at most two decimals, no exponent, no grouping.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || ParseCentsError(text.to_owned());
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty()
            || fraction.len() > 2
            || !is_digits(whole)
            || !is_digits(fraction)
            || unsigned.ends_with('.')
        {
            return Err(fail());
        }
        let whole: i64 = whole.parse().map_err(|_| fail())?;
        let fraction: i64 = format!("{fraction:0<2}").parse().map_err(|_| fail())?;
        let cents = whole.checked_mul(100).and_then(|c| c.checked_add(fraction)).ok_or_else(fail)?;
        Ok(Self(if negative { -cents } else { cents }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shows_money_grouped() {
        assert_eq!(Cents(5_000_000).to_string(), "50,000.00");
        assert_eq!(Cents(-305).to_string(), "-3.05");
        assert_eq!(Cents(99_999).to_string(), "999.99");
        assert_eq!(Cents(7).to_string(), "0.07");
    }

    #[test]
    fn refuses_what_is_not_money() {
        for text in ["", "-", ".5", "1.", "1.234", "1e3", "1,000", "abc", "99999999999999999999"] {
            assert!(text.parse::<Cents>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_share_is_rounded_down() {
        assert_eq!(Cents(999).share(0.5), Cents(499));
        assert_eq!(Cents(-1).share(0.5), Cents(-1));
    }

    proptest! {
        #[test]
        fn reads_back_what_it_shows(cents in -1_000_000_000_000i64..1_000_000_000_000) {
            let shown = Cents(cents).to_string().replace(',', "");
            prop_assert_eq!(shown.parse::<Cents>().unwrap(), Cents(cents));
        }
    }
}
