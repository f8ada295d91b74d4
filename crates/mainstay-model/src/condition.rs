//! What a split asks of a value: the two kinds of condition, and which values count as missing.
//!
//! Libraries compare in their own ways: `<` or `<=`, in double or in single precision. All of them become one rule here,
//! `value < threshold` in double precision, by moving the threshold to the number that gives the same answer for every
//! value ([`Condition::at_most`], [`Condition::below_single`], [`Condition::at_most_single`]).

use std::sync::Arc;

use crate::error::TreeError;

/// Category codes are below this number: they fit 16 bits.
pub const MAX_CATEGORIES: u32 = 1 << 16;
/// The greatest size of a value that [`Missing::NanOrZero`] takes for zero: LightGBM's constant, a single.
const ZERO_SIZE: f64 = 1e-35f32 as f64;

/// What sends a row left; a row whose value is missing goes where [`Missing`] and the default direction say.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// The value is below the threshold.
    Below(f64),
    /// The value, cut to an integer, is one of these category codes. Negative, unknown and huge values are none of them.
    OneOf(CategorySet),
}

impl Condition {
    /// `value <= threshold` in double precision, as LightGBM and scikit-learn ask.
    pub fn at_most(threshold: f64) -> Self {
        Self::Below(threshold.next_up())
    }

    /// `value < threshold` where the value is first rounded to single precision, as XGBoost and ONNX ask.
    ///
    /// The values that round to below the threshold end halfway between it and its predecessor; halfway itself goes to the even
    /// one of the two.
    pub fn below_single(threshold: f32) -> Self {
        let halfway = f64::midpoint(as_double(threshold.next_down()), as_double(threshold));
        let is_odd = threshold.to_bits() & 1 == 1;
        Self::Below(if is_odd { halfway.next_up() } else { halfway })
    }

    /// `value <= threshold` where the value is first rounded to single precision.
    pub fn at_most_single(threshold: f32) -> Self {
        Self::below_single(threshold.next_up())
    }

    /// Whether a value that is not missing goes left.
    pub fn holds(&self, value: f64) -> bool {
        match self {
            Self::Below(threshold) => value < *threshold,
            Self::OneOf(categories) => categories.contains_value(value),
        }
    }
}

/// Infinity is where the next power of two would be: that is how values round to it.
fn as_double(single: f32) -> f64 {
    const BEYOND: f64 = 2.0 * (1u128 << 127) as f64;
    f64::from(single).clamp(-BEYOND, BEYOND)
}

/// Which values take the default direction of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// NaN only.
    #[default]
    Nan,
    /// NaN and zero (at most 1e-35 in size), as LightGBM's `zero_as_missing`.
    NanOrZero,
}

impl Missing {
    /// Whether the value counts as missing.
    pub fn includes(self, value: f64) -> bool {
        value.is_nan() || (self == Self::NanOrZero && value.abs() <= ZERO_SIZE)
    }
}

/// A set of category codes below [`MAX_CATEGORIES`]. Clones share them.
///
/// The codes are kept as a sorted list, so that a set takes memory by what its file says, not by the size of its greatest code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CategorySet {
    sorted: Arc<[u16]>,
}

impl CategorySet {
    /// The set of these codes, in any order.
    ///
    /// # Errors
    /// Where a code is not below [`MAX_CATEGORIES`].
    pub fn new(codes: impl IntoIterator<Item = u32>) -> Result<Self, TreeError> {
        let narrow = |code| u16::try_from(code).map_err(|_| TreeError::Category { code, limit: MAX_CATEGORIES });
        let mut codes = codes.into_iter().map(narrow).collect::<Result<Vec<_>, _>>()?;
        codes.sort_unstable();
        codes.dedup();
        Ok(Self { sorted: codes.into() })
    }

    /// The set of these small codes, in any order.
    pub fn of_small(codes: impl IntoIterator<Item = u8>) -> Self {
        let mut codes: Vec<u16> = codes.into_iter().map(u16::from).collect();
        codes.sort_unstable();
        codes.dedup();
        Self { sorted: codes.into() }
    }

    /// Whether a value, cut to an integer, is one of the codes: 2.7 is code 2 and -0.3 code 0, as LightGBM reads them. NaN is none.
    pub fn contains_value(&self, value: f64) -> bool {
        value > -1.0 && value < f64::from(MAX_CATEGORIES) && self.contains(value as u32)
    }

    /// Whether the code is in the set.
    pub fn contains(&self, code: u32) -> bool {
        u16::try_from(code).is_ok_and(|code| self.sorted.binary_search(&code).is_ok())
    }

    /// The codes in rising order.
    pub fn codes(&self) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.sorted.iter().map(|code| u32::from(*code))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn threshold(condition: &Condition) -> f64 {
        let Condition::Below(threshold) = condition else { panic!("{condition:?}") };
        *threshold
    }

    /// Values where rounding to single precision is on the edge, around a single.
    fn near(single: f32) -> Vec<f64> {
        let neighbours = [single.next_down(), single, single.next_up()].map(as_double);
        let halves = [f64::midpoint(neighbours[0], neighbours[1]), f64::midpoint(neighbours[1], neighbours[2])];
        let centres = neighbours.into_iter().chain(halves);
        centres.flat_map(|x| [x.next_down(), x, x.next_up()]).collect()
    }

    proptest! {
        #[test]
        fn single_thresholds_ask_as_singles_do(bits: u32, other: f64) {
            let t = f32::from_bits(bits);
            prop_assume!(t.is_finite());
            let (below, at_most) = (Condition::below_single(t), Condition::at_most_single(t));
            for x in near(t).into_iter().chain([other]) {
                prop_assert_eq!(below.holds(x), (x as f32) < t, "{} {}", x, t);
                prop_assert_eq!(at_most.holds(x), (x as f32) <= t, "{} {}", x, t);
            }
        }

        #[test]
        fn at_most_asks_as_doubles_do(t: f64) {
            for x in [t.next_down(), t, t.next_up()] {
                prop_assert_eq!(Condition::at_most(t).holds(x), x <= t);
            }
        }

        #[test]
        fn a_set_is_its_codes(mut codes in prop::collection::vec(0u32..300, 0..40)) {
            let set = CategorySet::new(codes.iter().copied()).unwrap();
            codes.sort_unstable();
            codes.dedup();
            prop_assert_eq!(set.codes().collect::<Vec<_>>(), codes);
            prop_assert_eq!(CategorySet::new(set.codes()).unwrap(), set);
        }
    }

    #[test]
    fn single_thresholds_at_the_ends_of_the_numbers() {
        for t in [0.0, -0.0, f32::from_bits(1), -f32::from_bits(1), f32::MIN_POSITIVE, f32::MAX, f32::MIN, 1.0, 0.1] {
            for x in near(t) {
                assert_eq!(Condition::below_single(t).holds(x), (x as f32) < t, "{x} {t}");
                assert_eq!(Condition::at_most_single(t).holds(x), (x as f32) <= t, "{x} {t}");
            }
            assert!(
                threshold(&Condition::below_single(t)).is_finite()
                    && threshold(&Condition::at_most_single(t)).is_finite()
            );
        }
    }

    #[test]
    fn a_category_is_the_value_cut_to_an_integer() {
        let set = CategorySet::new([0, 2, 65]).unwrap();
        for inside in [0.0, -0.0, -0.3, 0.9, 2.0, 2.7, 65.0] {
            assert!(set.contains_value(inside), "{inside}");
        }
        for outside in [f64::NAN, -1.0, 1.0, 3.0, 64.0, 66.0, 65_536.0, 4_294_967_296.0, 1e300, -1e300] {
            assert!(!set.contains_value(outside), "{outside}");
        }
        assert_eq!(CategorySet::new([]).unwrap().codes().len(), 0);
        assert!(CategorySet::new([65_535]).unwrap().contains_value(65_535.5));
        let error = CategorySet::new([1, 65_536]).unwrap_err();
        assert_eq!(error.to_string(), "the category code 65536 is not below 65536");
    }

    #[test]
    fn zero_is_missing_where_stated() {
        for (value, nan_only, with_zero) in [
            (f64::NAN, true, true),
            (0.0, false, true),
            (-1e-36, false, true),
            (1e-34, false, false),
            (1.0, false, false),
        ] {
            assert_eq!(Missing::Nan.includes(value), nan_only, "{value}");
            assert_eq!(Missing::NanOrZero.includes(value), with_zero, "{value}");
        }
    }
}
