//! What the SQL planner says, as faults of the models.

use std::collections::BTreeSet;

use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use mainstay_config::UnknownName;

use crate::error::{FeatureError, ModelFault};
use crate::project::model::Model;

/// What a model is.
pub(crate) const ONE_QUERY: &str =
    "a model is one query: write one `select`, and nothing that creates or changes tables";

/// An error of the SQL planner as a fault of the model: where it stands, what is wrong, what could be meant.
pub(crate) fn sql_fault(model: &Model, error: &DataFusionError) -> FeatureError {
    let span = error.diagnostic().and_then(|diagnostic| diagnostic.span);
    let root = error.find_root();
    let message = match root {
        DataFusionError::SchemaError(schema_error, _) => match schema_error.as_ref() {
            SchemaError::FieldNotFound { field, valid_fields } => {
                let known: BTreeSet<&str> = valid_fields.iter().map(Column::name).collect();
                let unknown = UnknownName::new("column", field.name(), known);
                format!("{unknown} ({})", unknown.known_names())
            }
            SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
                stands_twice(name)
            }
            SchemaError::AmbiguousReference { field } if field.relation.is_some() => stands_twice(field.name()),
            SchemaError::AmbiguousReference { field } => is_ambiguous(field.name()),
        },
        other => plain_message(&other.strip_backtrace()),
    };
    let place = span.map(|span| (span.start.line as usize, span.start.column as usize));
    let (message, parsed_place) = match split_place(&message) {
        Some((message, place)) => (message.to_owned(), Some(place)),
        None => (message, None),
    };
    let fault = ModelFault::new(&model.file, message);
    match place.or(parsed_place) {
        Some((line, column)) => fault.at(line, column).into(),
        None => fault.into(),
    }
}

/// The planner's message in the manner of ours; says how tables are named where one was not found.
fn plain_message(message: &str) -> String {
    let prefixes = [
        "SQL error: ParserError(\"",
        "SQL error: TokenizerError(\"",
        "Error during planning: ",
        "This feature is not implemented: ",
    ];
    let stripped = prefixes.iter().find_map(|prefix| message.strip_prefix(prefix)).unwrap_or(message);
    let stripped = stripped.strip_suffix("\")").unwrap_or(stripped);
    if let Some(message) = repeated_expression(stripped) {
        return message;
    }
    if stripped.contains("only supports a single SQL statement") || stripped.starts_with("No SQL statements") {
        return ONE_QUERY.to_owned();
    }
    match stripped.strip_prefix("table '").and_then(|rest| rest.strip_suffix("' not found")) {
        Some(table) => {
            let table = table.rsplit('.').next().unwrap_or(table);
            format!(
                "no table `{table}`: name a model with ref('{table}') and a source table with source('source', '{table}')"
            )
        }
        None => begin_small(&stripped.split_whitespace().collect::<Vec<_>>().join(" ")),
    }
}

pub(crate) fn stands_twice(column: &str) -> String {
    format!(
        "column `{column}` stands twice in what is selected: give one of both a name of its own, as in `{column} as other_{column}`, or \
         leave it out"
    )
}

fn is_ambiguous(column: &str) -> String {
    format!(
        "column `{column}` is in several of the tables that are read: say which one is meant, as in `alias.{column}`"
    )
}

/// What stands twice in `Projections require unique expression names but the expression "a.x" at position 0 and "x" at position 1 have the
/// same name`.
fn repeated_expression(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("require unique expression names but the expression \"")?;
    let (expression, _) = rest.split_once("\" at position")?;
    let name = match expression.rsplit_once(" AS ") {
        Some((_, name)) => name,
        None => expression.rsplit('.').next().unwrap_or(expression),
    };
    let is_name = |text: &str| text.chars().all(|letter| letter.is_alphanumeric() || "_ ".contains(letter));
    Some(match is_name(name) {
        true => stands_twice(name),
        false => format!("`{expression}` stands twice in what is selected: give each a name of its own with `as`"),
    })
}

fn begin_small(message: &str) -> String {
    let mut characters = message.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}

/// A message of sqlparser without its ` at Line: 3, Column: 5`, and that place.
fn split_place(message: &str) -> Option<(&str, (usize, usize))> {
    let (message, place) = message.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    Some((message, (line.parse().ok()?, column.parse().ok()?)))
}
