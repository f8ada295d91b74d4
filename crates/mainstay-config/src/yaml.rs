//! Strict reading of YAML: no unknown or repeated keys, `true` and `false` only, every error with its place.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
use serde_saphyr::Options;

use crate::error::ConfigError;
use crate::message;
use crate::place::{Node, Place, SourceText};

/// A value with the text that it was read from, for checks that come later.
#[derive(Debug, Clone)]
pub(crate) struct Document<T> {
    pub(crate) value: T,
    source: SourceText,
    root: Node,
}

impl<T> Document<T> {
    /// Where the whole value stands.
    pub(crate) fn place(&self) -> Place<'_> {
        Place::root(&self.source, &self.root)
    }

    /// The value and its place.
    pub(crate) fn parts(&self) -> (&T, Place<'_>) {
        (&self.value, self.place())
    }

    /// Another form of the value, at the same place.
    pub(crate) fn map<U>(self, into: impl FnOnce(T) -> U) -> Document<U> {
        Document { value: into(self.value), source: self.source, root: self.root }
    }
}

/// Reads one YAML document; `name` is the file as the user gave it.
pub(crate) fn parse<T: DeserializeOwned>(name: &str, text: &str) -> Result<Document<T>, ConfigError> {
    let source = SourceText { name: name.to_owned(), text: text.to_owned() };
    let root: Node = serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| message::explain(&source, &error, None))?;
    match serde_saphyr::from_str_with_options(text, options()) {
        Ok(value) => Ok(Document { value, source, root }),
        Err(error) => Err(message::explain(&source, &error, Some(&root))),
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        with_snippet: false,
    }
}

/// Reads a value from the literal text of a scalar, so that money and dates never pass through a float.
pub(crate) fn from_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}
