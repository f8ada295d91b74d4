//! A reader of Universal Binary JSON (draft 12) for serde: what XGBoost writes, so that one set of structures reads its JSON and its
//! UBJSON.
//!
//! Nothing is allocated by a declared size: lists grow as their entries are read, and an entry takes at least one byte.

use std::fmt;

use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// The greatest number of arrays and objects within each other.
const MAX_DEPTH: usize = 64;

/// Why bytes are no UBJSON, or not that of the structure asked for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UbjsonError {
    #[error("byte {at}: the file ends within a value")]
    CutOff { at: usize },
    #[error("byte {at}: unknown or unfitting marker 0x{marker:02x}")]
    Marker { at: usize, marker: u8 },
    #[error("byte {at}: a length below 0")]
    NegativeLength { at: usize },
    #[error("byte {at}: a text that is not UTF-8")]
    Utf8 { at: usize },
    #[error("byte {at}: more than {MAX_DEPTH} arrays and objects within each other")]
    TooDeep { at: usize },
    #[error("byte {at}: bytes behind the end of the value")]
    Trailing { at: usize },
    #[error("{0}")]
    Structure(String),
}

impl de::Error for UbjsonError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Structure(message.to_string())
    }
}

/// Reads one value that takes all of the bytes.
pub(super) fn from_slice<'de, T: de::Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, UbjsonError> {
    let mut reader = Reader { bytes, at: 0, depth: 0 };
    let marker = reader.marker()?;
    let value = T::deserialize(Value { marker, reader: &mut reader })?;
    match reader.at == bytes.len() {
        true => Ok(value),
        false => Err(UbjsonError::Trailing { at: reader.at }),
    }
}

struct Reader<'de> {
    bytes: &'de [u8],
    at: usize,
    depth: usize,
}

impl<'de> Reader<'de> {
    fn bytes(&mut self, length: usize) -> Result<&'de [u8], UbjsonError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..length).ok_or(UbjsonError::CutOff { at: self.at })?;
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], UbjsonError> {
        let at = self.at;
        self.bytes(N)?.try_into().map_err(|_| UbjsonError::CutOff { at })
    }

    fn byte(&mut self) -> Result<u8, UbjsonError> {
        self.array().map(|[byte]| byte)
    }

    /// The next byte, which stays unread.
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next marker that is no filler.
    fn marker(&mut self) -> Result<u8, UbjsonError> {
        loop {
            match self.byte()? {
                b'N' => {}
                marker => return Ok(marker),
            }
        }
    }

    fn unfit(&self, marker: u8) -> UbjsonError {
        UbjsonError::Marker { at: self.at.saturating_sub(1), marker }
    }

    fn integer(&mut self, marker: u8) -> Result<i64, UbjsonError> {
        Ok(match marker {
            b'i' => i8::from_be_bytes(self.array()?).into(),
            b'U' => self.byte()?.into(),
            b'I' => i16::from_be_bytes(self.array()?).into(),
            b'l' => i32::from_be_bytes(self.array()?).into(),
            b'L' => i64::from_be_bytes(self.array()?),
            _ => return Err(self.unfit(marker)),
        })
    }

    fn length(&mut self) -> Result<usize, UbjsonError> {
        let at = self.at;
        let marker = self.byte()?;
        usize::try_from(self.integer(marker)?).map_err(|_| UbjsonError::NegativeLength { at })
    }

    fn text(&mut self) -> Result<&'de str, UbjsonError> {
        let length = self.length()?;
        let at = self.at;
        std::str::from_utf8(self.bytes(length)?).map_err(|_| UbjsonError::Utf8 { at })
    }
}

/// A value whose marker has been read.
struct Value<'a, 'de> {
    marker: u8,
    reader: &'a mut Reader<'de>,
}

impl<'de> de::Deserializer<'de> for Value<'_, 'de> {
    type Error = UbjsonError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UbjsonError> {
        let Self { marker, reader } = self;
        match marker {
            b'Z' => visitor.visit_unit(),
            b'T' => visitor.visit_bool(true),
            b'F' => visitor.visit_bool(false),
            b'd' => visitor.visit_f64(f32::from_be_bytes(reader.array()?).into()),
            b'D' => visitor.visit_f64(f64::from_be_bytes(reader.array()?)),
            b'S' => visitor.visit_borrowed_str(reader.text()?),
            b'[' => {
                let mut entries = Entries::open(reader, b']')?;
                let list = visitor.visit_seq(&mut entries)?;
                entries.close().map(|()| list)
            }
            b'{' => {
                let mut entries = Entries::open(reader, b'}')?;
                let object = visitor.visit_map(&mut entries)?;
                entries.close().map(|()| object)
            }
            _ => visitor.visit_i64(reader.integer(marker)?),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UbjsonError> {
        if self.marker == b'Z' { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The entries of an array or an object.
struct Entries<'a, 'de> {
    reader: &'a mut Reader<'de>,
    /// Of all entries, where it is stated once at the start.
    marker: Option<u8>,
    /// How many are left, where it is stated at the start; else the entries end at the marker `end`.
    left: Option<usize>,
    end: u8,
    has_ended: bool,
}

impl<'a, 'de> Entries<'a, 'de> {
    fn open(reader: &'a mut Reader<'de>, end: u8) -> Result<Self, UbjsonError> {
        reader.depth += 1;
        if reader.depth > MAX_DEPTH {
            return Err(UbjsonError::TooDeep { at: reader.at });
        }
        let (mut marker, mut left) = (None, None);
        if reader.peek() == Some(b'$') {
            reader.at += 1;
            let of_all = reader.byte()?;
            // Values without bytes would let a short file declare a list without end.
            let takes_bytes = matches!(of_all, b'i' | b'U' | b'I' | b'l' | b'L' | b'd' | b'D' | b'S' | b'[' | b'{');
            if !takes_bytes || reader.peek() != Some(b'#') {
                return Err(reader.unfit(of_all));
            }
            marker = Some(of_all);
        }
        if reader.peek() == Some(b'#') {
            reader.at += 1;
            left = Some(reader.length()?);
        }
        Ok(Self { reader, marker, left, end, has_ended: false })
    }

    /// Whether there is another entry; the end marker is read.
    fn advance(&mut self) -> Result<bool, UbjsonError> {
        self.has_ended = match &mut self.left {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => {
                while self.reader.peek() == Some(b'N') {
                    self.reader.at += 1;
                }
                let is_end = self.reader.peek() == Some(self.end);
                self.reader.at += usize::from(is_end);
                is_end
            }
        };
        Ok(!self.has_ended)
    }

    fn value<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, UbjsonError> {
        let marker = match self.marker {
            Some(marker) => marker,
            None => self.reader.marker()?,
        };
        seed.deserialize(Value { marker, reader: self.reader })
    }

    /// Checks that the entries were read to their end.
    fn close(mut self) -> Result<(), UbjsonError> {
        if !self.has_ended && self.advance()? {
            return Err(UbjsonError::Structure(format!("byte {}: more entries than expected", self.reader.at)));
        }
        self.reader.depth -= 1;
        Ok(())
    }
}

impl<'de> de::SeqAccess<'de> for &mut Entries<'_, 'de> {
    type Error = UbjsonError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, UbjsonError> {
        if self.advance()? { self.value(seed).map(Some) } else { Ok(None) }
    }
}

impl<'de> de::MapAccess<'de> for &mut Entries<'_, 'de> {
    type Error = UbjsonError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, UbjsonError> {
        if !self.advance()? {
            return Ok(None);
        }
        seed.deserialize(self.reader.text()?.into_deserializer()).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, UbjsonError> {
        self.value(seed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn read(bytes: &[u8]) -> Result<Json, UbjsonError> {
        from_slice(bytes)
    }

    #[test]
    fn reads_every_kind_of_value() {
        let cases: [(&[u8], Json); 14] = [
            (b"Z", json!(null)),
            (b"NNT", json!(true)),
            (b"i\xff", json!(-1)),
            (b"U\xff", json!(255)),
            (b"I\x01\x00", json!(256)),
            (b"l\xff\xff\xff\xff", json!(-1)),
            (b"L\0\0\0\x01\0\0\0\0", json!(1u64 << 32)),
            (b"d\x3f\x80\0\0", json!(1.0)),
            (b"D\x3f\xf0\0\0\0\0\0\0", json!(1.0)),
            (b"Si\x02hi", json!("hi")),
            (b"[NTFNi\x01]", json!([true, false, 1])),
            (b"[#i\x02TF", json!([true, false])),
            (b"[$U#i\x03\x01\x02\x03", json!([1, 2, 3])),
            (b"{i\x01aSi\x01xi\x01b{}i\x01c[]}", json!({"a": "x", "b": {}, "c": []})),
        ];
        for (bytes, expected) in cases {
            assert_eq!(read(bytes).unwrap(), expected, "{bytes:?}");
        }
        assert_eq!(read(b"{$i#i\x02i\x01a\x05i\x01b\x06").unwrap(), json!({"a": 5, "b": 6}));
        assert_eq!(read(b"[$[#i\x02]i\x07]").unwrap(), json!([[], [7]]));
    }

    #[test]
    fn refuses_what_is_no_value() {
        let cases: [(&[u8], &str); 11] = [
            (b"", "byte 0: the file ends within a value"),
            (b"x", "byte 0: unknown or unfitting marker 0x78"),
            (b"H", "byte 0: unknown or unfitting marker 0x48"),
            (b"[i\x01", "byte 3: the file ends within a value"),
            (b"Si\xff", "byte 1: a length below 0"),
            (b"Si\x01\xff", "byte 3: a text that is not UTF-8"),
            (b"TT", "byte 1: bytes behind the end of the value"),
            (b"[$Z#L\x7f\xff\xff\xff\xff\xff\xff\xff", "byte 2: unknown or unfitting marker 0x5a"),
            (b"[$i]", "byte 2: unknown or unfitting marker 0x69"),
            (b"[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", "byte 17: the file ends within a value"),
            (b"SL\x7f\xff\xff\xff\xff\xff\xff\xff", "byte 10: the file ends within a value"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(read(bytes).unwrap_err().to_string(), expected, "{bytes:?}");
        }
        let deep = read(&b"[".repeat(1_000_000)).unwrap_err();
        assert_eq!(deep.to_string(), "byte 65: more than 64 arrays and objects within each other");
    }

    #[test]
    fn refuses_another_structure() {
        let error = from_slice::<Vec<u32>>(b"[i\xff]").unwrap_err().to_string();
        assert!(error.contains("invalid value: integer `-1`, expected u32"), "{error}");
        let error = from_slice::<(u8, u8)>(b"[#i\x03i\x01i\x02i\x03").unwrap_err().to_string();
        assert!(error.contains("more entries than expected"), "{error}");
    }
}
