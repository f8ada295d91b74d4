//! Distinct values: exact up to a limit, estimated beyond.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Up to so many distinct values are counted one by one. Far above the registers of the estimate, where its bias has gone.
pub(crate) const EXACT: usize = 100_000;

/// 2^14 registers: a standard error of 0.8 %.
const REGISTER_BITS: u32 = 14;

/// A value with a hash that is the same on every machine and in every run.
pub(crate) trait Hashed {
    fn hashed(&self) -> u64;
}

impl Hashed for i128 {
    fn hashed(&self) -> u64 {
        mixed(mixed(*self as u64) ^ (*self >> 64) as u64)
    }
}

impl Hashed for str {
    fn hashed(&self) -> u64 {
        // FNV-1a, mixed, as its low bits alone are spread well.
        let spread = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        mixed(self.bytes().fold(0xCBF2_9CE4_8422_2325, spread))
    }
}

impl Hashed for String {
    fn hashed(&self) -> u64 {
        self.as_str().hashed()
    }
}

/// The finaliser of splitmix64.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// The values of a column, each with how often it stands there, or an estimate of how many there are.
#[derive(Debug, Clone)]
pub(crate) enum Values<K> {
    Counted(HashMap<K, u64>),
    Estimated(Registers),
}

impl<K: Eq + Hash + Hashed> Default for Values<K> {
    fn default() -> Self {
        Self::Counted(HashMap::new())
    }
}

impl<K: Eq + Hash + Hashed> Values<K> {
    /// Takes note of a value. Where there are too many now to count them, the counts are handed over.
    pub(crate) fn add<Q>(&mut self, value: &Q, rows: u64) -> Option<HashMap<K, u64>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + Hashed + ToOwned<Owned = K> + ?Sized,
    {
        match self {
            Self::Estimated(registers) => {
                registers.add(value.hashed());
                None
            }
            Self::Counted(counts) => {
                match counts.get_mut(value) {
                    Some(count) => *count += rows,
                    None => drop(counts.insert(value.to_owned(), rows)),
                }
                if counts.len() > EXACT { self.give_up() } else { None }
            }
        }
    }

    /// Goes over to the estimate and hands over the counts.
    pub(crate) fn give_up(&mut self) -> Option<HashMap<K, u64>> {
        let Self::Counted(counts) = self else { return None };
        let counts = std::mem::take(counts);
        let mut registers = Registers::default();
        counts.keys().for_each(|value| registers.add(value.hashed()));
        *self = Self::Estimated(registers);
        Some(counts)
    }
}

/// HyperLogLog (Flajolet et al. 2007): for each part of the hashes the most zeros that one begins with. Merging is exact.
#[derive(Debug, Clone)]
pub(crate) struct Registers(Box<[u8]>);

impl Default for Registers {
    fn default() -> Self {
        Self(vec![0; 1 << REGISTER_BITS].into_boxed_slice())
    }
}

impl Registers {
    fn add(&mut self, hash: u64) {
        let register = (hash >> (64 - REGISTER_BITS)) as usize;
        let zeros = ((hash << REGISTER_BITS) | (1 << (REGISTER_BITS - 1))).leading_zeros() as u8 + 1;
        if let Some(most) = self.0.get_mut(register) {
            *most = zeros.max(*most);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (most, others) in self.0.iter_mut().zip(&other.0) {
            *most = (*most).max(*others);
        }
    }

    pub(crate) fn estimate(&self) -> u64 {
        let registers = self.0.len() as f64;
        let sum: f64 = self.0.iter().map(|zeros| 2f64.powi(-i32::from(*zeros))).sum();
        let alpha = 0.7213 / (1.0 + 1.079 / registers);
        (alpha * registers * registers / sum).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(values: impl Iterator<Item = i128>) -> Values<i128> {
        let mut all = Values::default();
        values.for_each(|value| drop(all.add(&value, 1)));
        all
    }

    #[test]
    fn few_values_are_counted() {
        let Values::Counted(counts) = filled((0..1000).map(|value| value % 7)) else { panic!("too few to estimate") };
        assert_eq!((counts.len(), counts[&0], counts[&6]), (7, 143, 142));
    }

    #[test]
    fn many_values_are_estimated_within_two_percent() {
        for many in [120_000u32, 400_000, 1_000_000] {
            let Values::Estimated(registers) = filled((0..many).map(|value| i128::from(value) * 1000)) else {
                panic!("too many to count")
            };
            let off = registers.estimate() as f64 / f64::from(many) - 1.0;
            assert!(off.abs() < 0.02, "{many}: {off}");
        }
    }

    #[test]
    fn texts_are_estimated_as_well_as_numbers() {
        let mut all = Values::<String>::default();
        (0..200_000).for_each(|value| drop(all.add(format!("C{value:07}").as_str(), 1)));
        let Values::Estimated(registers) = all else { panic!("too many to count") };
        let off = registers.estimate() as f64 / 200_000.0 - 1.0;
        assert!(off.abs() < 0.02, "{off}");
    }

    #[test]
    fn hashes_do_not_change() {
        assert_eq!(7i128.hashed(), 0xB8B4_C297_7EAB_CE45);
        assert_ne!("ab".hashed(), "ba".hashed());
    }
}
