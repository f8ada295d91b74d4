//! Content digests: BLAKE3, written `blake3:` and 64 hexadecimal digits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The BLAKE3 digest of some content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    const PREFIX: &'static str = "blake3:";

    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The 64 hexadecimal digits alone: for file names, where a colon is not welcome.
    pub fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    /// The first eight bytes as a number, spread evenly over all 64 bits: for draws by hash.
    pub fn leading_u64(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// The first digits, for people.
    pub fn short(&self) -> String {
        self.hex()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}{}", Self::PREFIX, self.hex()))
    }
}

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a digest: expected `blake3:` and 64 hexadecimal digits")]
pub struct ParseDigestError(String);

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix(Self::PREFIX)
            .and_then(|hex| blake3::Hash::from_hex(hex).ok())
            .map(|hash| Self(*hash.as_bytes()))
            .ok_or_else(|| ParseDigestError(text.to_owned()))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Digests content that arrives in pieces. Values are framed, so that ("ab", "c") and ("a", "bc") differ.
#[derive(Debug, Default)]
pub struct DigestHasher(blake3::Hasher);

impl DigestHasher {
    /// A hasher that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds raw bytes, without a frame: for the content of files.
    pub fn update(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(bytes);
        self
    }

    /// Adds bytes behind their length.
    pub fn frame(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
        self
    }

    /// Adds an integer of fixed width.
    pub fn integer(&mut self, value: i64) -> &mut Self {
        self.0.update(&value.to_le_bytes());
        self
    }

    /// Adds integers of fixed width, as [`Self::integer`] would one by one, but for many at once.
    pub fn integers(&mut self, values: impl IntoIterator<Item = i64>) -> &mut Self {
        const BLOCK: usize = 1 << 16;
        let mut block = Vec::with_capacity(BLOCK);
        for value in values {
            block.extend_from_slice(&value.to_le_bytes());
            if block.len() == BLOCK {
                self.0.update(&block);
                block.clear();
            }
        }
        self.0.update(&block);
        self
    }

    /// The digest of all that was added.
    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        let digest = Digest::of(b"mainstay");
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        assert!("blake3:12".parse::<Digest>().is_err());
        assert!(digest.hex().parse::<Digest>().is_err());
    }

    #[test]
    fn the_leading_number_is_the_first_digits() {
        let digest = Digest::of(b"mainstay");
        assert_eq!(format!("{:016x}", digest.leading_u64()), digest.hex()[..16]);
    }

    #[test]
    fn many_integers_are_added_as_one_by_one() {
        let mut one_by_one = DigestHasher::new();
        for value in 0..20_000 {
            one_by_one.integer(value);
        }
        assert_eq!(DigestHasher::new().integers(0..20_000).finish(), one_by_one.finish());
    }

    #[test]
    fn frames_keep_values_apart() {
        let left = DigestHasher::new().frame(b"ab").frame(b"c").finish();
        let right = DigestHasher::new().frame(b"a").frame(b"bc").finish();
        assert_ne!(left, right);
    }
}
