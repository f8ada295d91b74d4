//! Places in a YAML text, so that a check of a value can say where the value stands.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::error::{ConfigError, Diagnostic, UnknownName};

/// A text and the name that the user knows it by.
#[derive(Debug, Clone)]
pub(crate) struct SourceText {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl SourceText {
    /// The error that `message` is wrong at `position`.
    pub(crate) fn error(&self, position: Position, message: impl Into<String>, help: Option<String>) -> ConfigError {
        let text = self.line(position);
        ConfigError::Invalid(Box::new(Diagnostic {
            file: self.name.clone(),
            line: position.line,
            column: position.column,
            width: position.width,
            text: text.trim_end().to_owned(),
            message: message.into(),
            help,
        }))
    }

    /// The text at a position, as wide as it says: what the user wrote there.
    pub(crate) fn at(&self, position: Position) -> String {
        self.from(position).chars().take(position.width).collect()
    }

    /// The rest of the line from a position on.
    pub(crate) fn from(&self, position: Position) -> &str {
        let line = self.line(position);
        let start = line.char_indices().nth(position.column - 1).map_or(line.len(), |(start, _)| start);
        line.get(start..).unwrap_or_default()
    }

    /// The line of a position up to it.
    pub(crate) fn before(&self, position: Position) -> &str {
        let line = self.line(position);
        let end = line.char_indices().nth(position.column - 1).map_or(line.len(), |(end, _)| end);
        line.get(..end).unwrap_or_default()
    }

    fn line(&self, position: Position) -> &str {
        self.text.lines().nth(position.line - 1).unwrap_or_default()
    }
}

/// Line, column and width in characters, all at least 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) width: usize,
}

impl Position {
    pub(crate) const START: Self = Self { line: 1, column: 1, width: 1 };
}

impl From<Location> for Position {
    fn from(location: Location) -> Self {
        let at_least_1 = |number: u64| usize::try_from(number).unwrap_or(1).max(1);
        Self {
            line: at_least_1(location.line()),
            column: at_least_1(location.column()),
            width: at_least_1(location.span().len()),
        }
    }
}

/// A value of the text without its content: where it is and what is below it.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    position: Position,
    below: Below,
}

impl Node {
    /// Where the map begins that has a key at a position.
    pub(crate) fn map_with_key_at(&self, sought: Position) -> Option<Position> {
        match &self.below {
            Below::Nothing => None,
            Below::Items(items) => items.iter().find_map(|node| node.map_with_key_at(sought)),
            Below::Keys(keys) => {
                let is_here = keys.values().any(|(key, _)| (key.line, key.column) == (sought.line, sought.column));
                let below = || keys.values().find_map(|(_, node)| node.map_with_key_at(sought));
                if is_here { Some(self.position) } else { below() }
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Below {
    Nothing,
    Keys(BTreeMap<String, (Position, Node)>),
    Items(Vec<Node>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Below>::deserialize(deserializer)?;
        Ok(Self { position: spanned.referenced.into(), below: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Below {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BelowVisitor)
    }
}

struct BelowVisitor;

impl<'de> Visitor<'de> for BelowVisitor {
    type Value = Below;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Below, A::Error> {
        let mut keys = BTreeMap::new();
        while let Some((key, node)) = map.next_entry::<Spanned<String>, Node>()? {
            keys.insert(key.value, (key.referenced.into(), node));
        }
        Ok(Below::Keys(keys))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Below, A::Error> {
        let mut items = Vec::new();
        while let Some(node) = list.next_element()? {
            items.push(node);
        }
        Ok(Below::Items(items))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Below, E> {
        Ok(Below::Nothing)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Below, E> {
        Ok(Below::Nothing)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Below, E> {
        Ok(Below::Nothing)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Below, E> {
        Ok(Below::Nothing)
    }

    fn visit_str<E>(self, _: &str) -> Result<Below, E> {
        Ok(Below::Nothing)
    }

    fn visit_unit<E>(self) -> Result<Below, E> {
        Ok(Below::Nothing)
    }
}

/// A value of a text that a check is looking at. Where a key is absent, its place is that of the value it would belong to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    source: &'a SourceText,
    node: &'a Node,
    position: Position,
}

impl<'a> Place<'a> {
    pub(crate) fn root(source: &'a SourceText, node: &'a Node) -> Self {
        Self { source, node, position: node.position }
    }

    /// The value of a key.
    pub(crate) fn key(self, key: &str) -> Self {
        match &self.node.below {
            Below::Keys(keys) => keys.get(key).map_or(self, |(_, node)| Self::root(self.source, node)),
            _ => self,
        }
    }

    /// The key itself, where it is the name that is wrong.
    pub(crate) fn name_of(self, key: &str) -> Self {
        match &self.node.below {
            Below::Keys(keys) => keys.get(key).map_or(self, |&(position, _)| Self { position, ..self }),
            _ => self,
        }
    }

    /// An item of a list, from 0.
    pub(crate) fn item(self, index: usize) -> Self {
        match &self.node.below {
            Below::Items(items) => items.get(index).map_or(self, |node| Self::root(self.source, node)),
            _ => self,
        }
    }

    pub(crate) fn error(self, message: impl Into<String>) -> ConfigError {
        self.source.error(self.position, message, None)
    }

    pub(crate) fn error_with_help(self, message: impl Into<String>, help: impl Into<String>) -> ConfigError {
        self.source.error(self.position, message, Some(help.into()))
    }

    pub(crate) fn unknown(self, unknown: &UnknownName) -> ConfigError {
        self.error_with_help(unknown.to_string(), unknown.known_names())
    }

    /// Fails with the message unless the condition holds.
    pub(crate) fn ensure(self, holds: bool, message: impl FnOnce() -> String) -> Result<(), ConfigError> {
        if holds { Ok(()) } else { Err(self.error(message())) }
    }
}
