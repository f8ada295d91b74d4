//! Values that XGBoost has written in several ways over its releases.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// A flag, written as `true` or 1.
pub(super) struct Flag(pub(super) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false, 1 or 0")
            }

            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Flag, E> {
                Ok(Flag(flag))
            }

            fn visit_u64<E: de::Error>(self, flag: u64) -> Result<Flag, E> {
                if flag <= 1 {
                    Ok(Flag(flag == 1))
                } else {
                    Err(E::invalid_value(de::Unexpected::Unsigned(flag), &self))
                }
            }

            fn visit_i64<E: de::Error>(self, flag: i64) -> Result<Flag, E> {
                self.visit_u64(flag as u64)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A number of single precision; `null` is NaN.
pub(super) struct Single(pub(super) f32);

impl<'de> Deserialize<'de> for Single {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|single| Self(single.unwrap_or(f32::NAN)))
    }
}

/// JSON with `null` for the bare `NaN` that releases before 2 write as the threshold of a categorical split.
pub(super) fn without_nan(bytes: &[u8]) -> Cow<'_, [u8]> {
    const NAN: &[u8] = b"NaN";
    if !bytes.windows(NAN.len()).any(|word| word == NAN) {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 8);
    let (mut at, mut in_text) = (0, false);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let step = match rest {
            [b'\\', _, ..] if in_text => 2,
            [b'N', b'a', b'N', ..] if !in_text => {
                out.extend(b"null");
                at += NAN.len();
                continue;
            }
            _ => 1,
        };
        in_text ^= rest[0] == b'"';
        out.extend(&rest[..step]);
        at += step;
    }
    Cow::Owned(out)
}

/// A parameter of the header: a number, a number as text, or either as a list in brackets, which release 3 writes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parameters(Vec<f64>);

impl Default for Parameters {
    fn default() -> Self {
        Self(vec![0.0])
    }
}

impl Parameters {
    /// The number, where it is one and finite.
    pub(super) fn single(&self) -> Option<f64> {
        match self.0.as_slice() {
            [number] => Some(*number).filter(|number| number.is_finite()),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Parameters;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a text like \"0.5\" or \"[5E-1]\"")
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Parameters, E> {
                Ok(Parameters(vec![number]))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Parameters, E> {
                self.visit_f64(number as f64)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Parameters, E> {
                self.visit_f64(number as f64)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Parameters, E> {
                let list = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
                let numbers = list.split(',').map(|number| number.trim().parse()).collect::<Result<_, _>>();
                numbers.map(Parameters).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Parameters, A::Error> {
                let mut numbers = Vec::new();
                while let Some(Parameters(more)) = list.next_element()? {
                    numbers.extend(more);
                }
                Ok(Parameters(numbers))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_parameter_in_every_form() {
        for text in ["0.5", "5E-1", "\"0.5\"", "\"5E-1\"", "\"[5E-1]\"", "[0.5]", "[\"5E-1\"]"] {
            assert_eq!(serde_json::from_str::<Parameters>(text).unwrap().single(), Some(0.5), "{text}");
        }
        for text in ["\"[5E-1,2E-1]\"", "[]", "\"nan\"", "\"inf\""] {
            assert_eq!(serde_json::from_str::<Parameters>(text).unwrap().single(), None, "{text}");
        }
        for text in ["\"half\"", "\"[0.5\"", "true", "null", "{}"] {
            let error = serde_json::from_str::<Parameters>(text).unwrap_err().to_string();
            assert!(error.contains("expected a number, or a text like"), "{text}: {error}");
        }
    }

    #[test]
    fn reads_a_bare_nan_but_not_in_names() {
        let json = br#"{"NaN": [NaN, 1.5], "\"NaN\\": NaN}"#;
        assert_eq!(without_nan(json), br#"{"NaN": [null, 1.5], "\"NaN\\": null}"#.as_slice());
        assert!(matches!(without_nan(b"[1.5]"), Cow::Borrowed(_)));
        for odd in ["NaN", "\"NaN", "\"\\", "NaNNaN\\"] {
            without_nan(odd.as_bytes());
        }
        let singles: Vec<Single> = serde_json::from_str("[null, 0.1]").unwrap();
        assert!(singles[0].0.is_nan() && singles[1].0 == 0.1);
    }

    #[test]
    fn reads_a_flag_in_every_form() {
        for (text, expected) in [("true", true), ("1", true), ("false", false), ("0", false)] {
            assert_eq!(serde_json::from_str::<Flag>(text).unwrap().0, expected, "{text}");
        }
        for text in ["2", "-1", "\"1\"", "0.0"] {
            assert!(serde_json::from_str::<Flag>(text).is_err(), "{text}");
        }
    }
}
