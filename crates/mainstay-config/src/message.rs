//! The YAML reader's errors in the words of the user.

use mainstay_schema::Cents;
use serde_saphyr::{Error, MessageFormatter, UserMessageFormatter};

use crate::error::{ConfigError, UnknownName};
use crate::place::{Node, Position, SourceText};

/// An error of the YAML reader, with its place and what helps. `root` is the place tree of the text, where it has one.
pub(crate) fn explain(source: &SourceText, error: &Error, root: Option<&Node>) -> ConfigError {
    let position = match error {
        Error::Eof { .. } => Position::START,
        _ => error.location().map_or(Position::START, Position::from),
    };
    // The reader says where it was when it found the key missing: at the last key of the map.
    let is_missing = matches!(error, Error::SerdeMissingField { .. });
    let map = root.filter(|_| is_missing).and_then(|root| root.map_with_key_at(position));
    let is_written = error.location().is_some_and(|location| !location.span().is_empty());
    let written = if is_written { source.at(position) } else { String::new() };
    let (message, help) = describe(error, &written, source.from(position));
    let help = help.or_else(|| cents_help(source.before(position), &written));
    source.error(map.unwrap_or(position), message, help)
}

/// `written` is the text that is meant, `onwards` the line from there on.
fn describe(error: &Error, written: &str, onwards: &str) -> (String, Option<String>) {
    match error {
        Error::AliasError { error, .. } | Error::WithSnippet { error, .. } => describe(error, written, onwards),
        Error::SerdeUnknownField { field, expected, .. } => unknown("key", field, expected),
        Error::SerdeUnknownVariant { variant, expected, .. } => unknown("value", variant, expected),
        Error::SerdeMissingField { field, .. } => (format!("missing key `{field}`"), None),
        Error::DuplicateMappingKey { .. } => (format!("key `{written}` is given twice"), None),
        Error::InvalidScalar { ty, .. } => (expected(scalar_name(ty), written), None),
        Error::InvalidBooleanStrict { .. } => (expected("true or false", written), None),
        Error::NullIntoString { .. } => ("expected a value, found nothing".into(), None),
        Error::Unexpected { expected: "mapping start", .. } => ("expected keys and values here".into(), None),
        Error::Unexpected { expected: "sequence start", .. } => ("expected a list here, such as [a, b]".into(), None),
        Error::Unexpected { expected: "string scalar", .. } => single_value(onwards),
        Error::ExternallyTaggedEnumExpectedScalarOrMapping { .. } => single_value(onwards),
        Error::SerdeInvalidType { unexpected, expected, .. } => {
            (format!("expected {expected}, found {}", type_name(unexpected)), None)
        }
        Error::MultipleDocuments { .. } => ("the file holds more than one document: remove `---`".into(), None),
        Error::Eof { .. } => ("the file is empty or holds nothing but comments".into(), None),
        Error::ExternalMessage { msg, .. } => (format!("not valid YAML: {msg}"), indentation_help(msg)),
        other => (UserMessageFormatter.format_message(other).into_owned(), None),
    }
}

fn unknown(kind: &'static str, name: &str, known: &[&'static str]) -> (String, Option<String>) {
    let unknown = UnknownName::new(kind, name, known.iter().copied());
    (unknown.to_string(), Some(unknown.known_names()))
}

fn expected(what: &str, written: &str) -> String {
    let found = if written.trim().is_empty() { "nothing".into() } else { format!("`{written}`") };
    format!("expected {what}, found {found}")
}

fn scalar_name(rust_type: &str) -> &'static str {
    match rust_type {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" => "a whole number, at least 0",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "floating point" => "a number",
        _ => "a plain value",
    }
}

fn type_name(unexpected: &str) -> &str {
    match unexpected {
        "sequence" => "a list",
        "map" => "keys and values",
        "unit value" => "nothing",
        other => other,
    }
}

fn single_value(onwards: &str) -> (String, Option<String>) {
    // An unquoted template begins like a map in a map.
    let help = onwards.starts_with("{{").then(|| "quote a template: \"{{ var('x') }}\"".to_owned());
    ("expected a single value here".into(), help)
}

/// What an amount in the currency is in cents, where `before` ends with a key of cents.
fn cents_help(before: &str, written: &str) -> Option<String> {
    let key = before.trim_end().strip_suffix(':')?;
    let amount: Cents = written.parse().ok().filter(|_| key.ends_with("_cents"))?;
    Some(format!("it is counted in cents: {written} is {} cents", amount.0))
}

fn indentation_help(message: &str) -> Option<String> {
    message.contains("tab").then(|| "indent with spaces".to_owned())
}
