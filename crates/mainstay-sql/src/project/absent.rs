//! Staging models of sources that a project does not have.
//!
//! A model with `when_absent: empty` is a table without rows where the project declares none of the sources that it
//! names, so that features of many sources also plan for a retailer who has few of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::DFSchema;
use datafusion::logical_expr::{EmptyRelation, LogicalPlan};
use mainstay_config::UnknownName;
use mainstay_schema::digest::DigestHasher;
use mainstay_schema::table::ColumnType;

use crate::contract;
use crate::error::{FeatureError, ModelFault};
use crate::project::model::{Model, ModelKind};

/// Checks that a model with `when_absent` says enough to stand without its source.
pub(crate) fn check(model: &Model) -> Result<(), ModelFault> {
    if model.when_absent.is_none() {
        return Ok(());
    }
    let fault = |message: String| Err(ModelFault::new(model.description_file(), message));
    if model.kind != ModelKind::Staging {
        let noun = model.kind.noun();
        return fault(format!(
            "`when_absent` on a {noun}: only staging reads sources, which may be absent; leave it out"
        ));
    }
    if model.columns.is_empty() {
        return fault("`when_absent: empty` needs the columns of the model, each with its type".to_owned());
    }
    match model.columns.iter().find(|column| column.column_type.is_none()) {
        Some(column) => fault(format!(
            "column `{}` has no type: `when_absent: empty` needs one for every column, such as `type: text`",
            column.name
        )),
        None => Ok(()),
    }
}

/// Refuses a model that would stand empty for a slip: it names a table that is nearly one that the project declares and no
/// model reads.
pub(crate) fn refuse_slip<'a>(
    file: &str,
    (source, table): &(String, String),
    declared: impl Iterator<Item = &'a (String, String)>,
    models: &BTreeMap<String, Model>,
) -> Result<(), ModelFault> {
    let unread = declared.filter(|declared| !models.values().any(|model| model.sources.contains(declared)));
    for (other_source, other_table) in unread {
        let is_slip = |name: &str, other: &str| UnknownName::new("source", name, [other]).slip_of().is_some();
        let is_slip = match (source == other_source, table == other_table) {
            (true, _) => is_slip(table, other_table),
            (_, true) => is_slip(source, other_source),
            _ => false,
        };
        if is_slip {
            let (name, declared) =
                (contract::table_name(source, table), contract::table_name(other_source, other_table));
            let message = format!(
                "source `{name}` is not declared, did you mean `{declared}`, which no model reads? `when_absent: empty` is \
                 for a source that the project does not have: correct the name here or in mainstay.yml"
            );
            return Err(ModelFault::new(file, message));
        }
    }
    Ok(())
}

/// An absent model as a plan: its columns without a row.
pub(crate) fn plan(model: &Model) -> Result<LogicalPlan, FeatureError> {
    let fields = typed_columns(model).map(|(name, declared)| Field::new(name, contract::arrow_type(declared), true));
    let schema = DFSchema::try_from(Schema::new(fields.collect::<Vec<_>>()))?;
    Ok(LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema: Arc::new(schema) }))
}

/// What an absent model adds to the digest of the SQL.
pub(crate) fn digest(model: &Model, hasher: &mut DigestHasher) {
    hasher.frame(b"absent");
    for (name, declared) in typed_columns(model) {
        hasher.frame(name.as_bytes()).frame(declared.as_str().as_bytes());
    }
}

/// Refuses a column that the description of a model which may be absent does not state: it would not be there without the source.
pub(crate) fn refuse_other_columns(model: &Model, plan: &LogicalPlan) -> Result<(), FeatureError> {
    let names = plan.schema().fields().iter().map(|field| field.name());
    match names.into_iter().find(|name| model.when_absent.is_some() && model.column(name).is_none()) {
        Some(name) => {
            let message =
                format!("column `{name}` is not described: `when_absent: empty` needs every column with its type");
            Err(ModelFault::new(model.description_file(), message).into())
        }
        None => Ok(()),
    }
}

fn typed_columns(model: &Model) -> impl Iterator<Item = (&str, ColumnType)> {
    model.columns.iter().filter_map(|column| Some((column.name.as_str(), column.column_type?)))
}
