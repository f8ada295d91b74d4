//! What an exact aggregate knows of the rows of a group.

use std::collections::BTreeMap;
use std::fmt::Debug;

use arrow::array::ArrayRef;
use datafusion::error::{DataFusionError, Result};

use super::exact_sum::{Sign, take};

/// What is known of a group's rows. It is the same for every order in which rows come, and for every way in which they are
/// split, distinguished and merged.
pub(crate) trait Tally: Default + Debug + Send + Sync + 'static {
    /// The values of one row.
    type Row: Row;

    /// How many bytes `encode` appends, where they are always as many.
    const ENCODED_BYTES: Option<i32> = None;

    /// The rows of a batch by their index; `None` for a row that has a null.
    fn read(columns: &[ArrayRef]) -> Result<impl Fn(usize) -> Option<Self::Row>>;

    /// Counts a row in, or out again.
    fn count(&mut self, row: Self::Row, sign: Sign);

    /// Appends all that is known, so that `merge_encoded` can add it to the tally of another partition.
    fn encode(&self, bytes: &mut Vec<u8>);

    /// Adds a tally that `encode` wrote; `None` where the bytes are not such.
    fn merge_encoded(&mut self, bytes: &mut &[u8]) -> Option<()>;

    /// Bytes beside the tally itself.
    fn heap_size(&self) -> usize;
}

/// Adds an encoded tally, all of it.
pub(crate) fn merge_state(tally: &mut impl Tally, mut state: &[u8]) -> Result<()> {
    match tally.merge_encoded(&mut state) {
        Some(()) if state.is_empty() => Ok(()),
        _ => {
            Err(DataFusionError::Internal("the state of an exact aggregate has another form than it was given".into()))
        }
    }
}

/// The values of a row that can be distinguished from those of another.
pub(crate) trait Row: Copy + Debug + Send + Sync {
    /// Equal for equal values.
    type Key: Copy + Ord + Debug + Send + Sync;

    fn key(self) -> Self::Key;
    fn of_key(key: Self::Key) -> Self;
    fn encode(key: Self::Key, bytes: &mut Vec<u8>);
    fn decode(bytes: &mut &[u8]) -> Option<Self::Key>;
}

/// A float by its bits: NaN equals NaN, and 0 equals -0.
impl Row for f64 {
    type Key = u64;

    fn key(self) -> u64 {
        if self.is_nan() { Self::NAN.to_bits() } else { (self + 0.0).to_bits() }
    }

    fn of_key(key: u64) -> Self {
        Self::from_bits(key)
    }

    fn encode(key: u64, bytes: &mut Vec<u8>) {
        bytes.extend(key.to_le_bytes());
    }

    fn decode(bytes: &mut &[u8]) -> Option<u64> {
        take(bytes).map(u64::from_le_bytes)
    }
}

impl Row for (f64, f64) {
    type Key = (u64, u64);

    fn key(self) -> (u64, u64) {
        (self.0.key(), self.1.key())
    }

    fn of_key(key: (u64, u64)) -> Self {
        (f64::of_key(key.0), f64::of_key(key.1))
    }

    fn encode(key: (u64, u64), bytes: &mut Vec<u8>) {
        f64::encode(key.0, bytes);
        f64::encode(key.1, bytes);
    }

    fn decode(bytes: &mut &[u8]) -> Option<(u64, u64)> {
        Some((f64::decode(bytes)?, f64::decode(bytes)?))
    }
}

/// A tally of the distinct rows of a group, with how often each of them stands.
#[derive(Debug)]
pub(crate) struct Distinct<T: Tally> {
    rows: BTreeMap<<T::Row as Row>::Key, u64>,
}

impl<T: Tally> Default for Distinct<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new() }
    }
}

impl<T: Tally> Distinct<T> {
    /// The tally of every distinct row, taken once.
    pub(crate) fn tally(&self) -> T {
        let mut tally = T::default();
        self.rows.keys().for_each(|&key| tally.count(T::Row::of_key(key), Sign::Plus));
        tally
    }
}

impl<T: Tally> Tally for Distinct<T> {
    type Row = T::Row;

    fn read(columns: &[ArrayRef]) -> Result<impl Fn(usize) -> Option<Self::Row>> {
        T::read(columns)
    }

    fn count(&mut self, row: Self::Row, sign: Sign) {
        let key = row.key();
        match sign {
            Sign::Plus => *self.rows.entry(key).or_default() += 1,
            Sign::Minus => {
                let left = self.rows.get(&key).map_or(0, |times| times.saturating_sub(1));
                if left == 0 {
                    self.rows.remove(&key);
                } else {
                    self.rows.insert(key, left);
                }
            }
        }
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend((self.rows.len() as u64).to_le_bytes());
        for (&key, times) in &self.rows {
            T::Row::encode(key, bytes);
            bytes.extend(times.to_le_bytes());
        }
    }

    fn merge_encoded(&mut self, bytes: &mut &[u8]) -> Option<()> {
        for _ in 0..u64::from_le_bytes(take(bytes)?) {
            let key = T::Row::decode(bytes)?;
            *self.rows.entry(key).or_default() += u64::from_le_bytes(take(bytes)?);
        }
        Some(())
    }

    fn heap_size(&self) -> usize {
        // A tree of the standard library is at least half full.
        2 * self.rows.len() * size_of::<(<T::Row as Row>::Key, u64)>()
    }
}
