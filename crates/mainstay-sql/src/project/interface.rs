//! What a project that extends another promises the models of the other.
//!
//! The staging models are where projects differ: each brings its own SQL, and the features, labels and marts of the project that it
//! extends read what comes of it. So what the extended project states of a staging model holds whoever writes the SQL: the columns that
//! must be there, their types, the grain, the tests.

use std::collections::BTreeSet;
use std::fmt::Write;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast};
use mainstay_schema::table::ColumnType;

use crate::contract;
use crate::error::{FeatureError, ModelFault};
use crate::project::model::{ColumnDoc, ColumnTest, Interface, Model, ModelKind};
use crate::project::template::Scope;

/// Lets what is stated of `base` hold for `own`, which stands in its place.
///
/// Of a staging model all of it holds, beside what `own` states itself. A feature, label or mart without a `.yml` of its own keeps what
/// is said of the columns that it has; one with a `.yml` is described by that alone.
pub(crate) fn inherit(own: &mut Model, base: Model) -> Result<(), ModelFault> {
    let Some(file) = base.described_in.clone() else { return Ok(()) };
    let is_canonical = own.kind == ModelKind::Staging;
    if own.described_in.is_some() && !is_canonical {
        return Ok(());
    }
    refuse_other_grain(own, &base, &file)?;
    if is_canonical {
        for column in &base.columns {
            let stated = own.column(&column.name).and_then(|own| own.column_type).zip(column.column_type);
            if let Some((ours, theirs)) = stated.filter(|(ours, theirs)| ours != theirs) {
                let message = format!(
                    "column `{}` is declared {ours} here and {theirs} in `{file}`, whose models read it: leave the type out",
                    column.name
                );
                return Err(ModelFault::new(own.description_file(), message));
            }
        }
        own.interface = Some(Interface { file: file.clone(), columns: base.columns.clone() });
    }
    if own.described_in.is_none() {
        own.description = base.description;
        own.described_in = Some(file);
    }
    if !base.grain.is_empty() {
        own.grain = base.grain;
    }
    for mut column in base.columns {
        column.optional |= !is_canonical;
        match own.columns.iter_mut().find(|own| own.name == column.name) {
            Some(own) => complete(own, column),
            None => own.columns.push(column),
        }
    }
    Ok(())
}

/// Refuses the SQL of an extended project where it reads a source that this project does not have, and says what to write in its place.
pub(crate) fn refuse_unwritten(
    model: &Model,
    named: &BTreeSet<(String, String)>,
    scope: &Scope,
) -> Result<(), ModelFault> {
    let Some((source, table)) = named.iter().find(|table| !scope.sources.contains_key(table)) else { return Ok(()) };
    let needed = model.columns.iter().filter(|column| !column.optional);
    let columns: Vec<String> = needed.map(named_with_type).collect();
    let columns = match columns.as_slice() {
        [] => String::new(),
        columns => format!(" with the columns {}", columns.join(", ")),
    };
    let name = &model.name;
    let message = format!(
        "reads the source {source}.{table}, which this project does not have: write sql/staging/{name}.sql{columns}, or declare the table \
         in mainstay.yml"
    );
    Err(ModelFault::new(&model.file, message))
}

fn named_with_type(column: &ColumnDoc) -> String {
    match column.column_type {
        Some(declared) => format!("`{}` ({declared})", column.name),
        None => format!("`{}`", column.name),
    }
}

/// Models join on the grain. Its columns may stand in any order.
fn refuse_other_grain(own: &Model, base: &Model, file: &str) -> Result<(), ModelFault> {
    let is_same = own.grain.len() == base.grain.len() && own.grain.iter().all(|name| base.grain.contains(name));
    if own.grain.is_empty() || base.grain.is_empty() || is_same {
        return Ok(());
    }
    let message = format!(
        "the grain is ({}) here and ({}) in `{file}`, whose models join on it: give one row for each ({1})",
        own.grain.join(", "),
        base.grain.join(", "),
    );
    Err(ModelFault::new(own.description_file(), message))
}

/// What is stated of a column holds beside what its own description states; the values that it may have are the project's own, where
/// it lists them.
fn complete(own: &mut ColumnDoc, base: ColumnDoc) {
    own.column_type = own.column_type.or(base.column_type);
    own.reason = own.reason.take().or(base.reason);
    own.monotone = own.monotone.or(base.monotone);
    own.optional &= base.optional;
    let lists_values = own.tests.iter().any(|test| matches!(test, ColumnTest::AcceptedValues(_)));
    for test in base.tests {
        let is_replaced = lists_values && matches!(test, ColumnTest::AcceptedValues(_));
        if !is_replaced && !own.tests.contains(&test) {
            own.tests.push(test);
        }
    }
}

/// The plan of a model with the columns that are declared for it, in the types that are.
///
/// A type of the same kind is cast, such as another width of whole numbers or a decimal of more digits: a value that does not fit is an
/// error as the model runs.
///
/// # Errors
/// Every column that lacks or is of another kind.
pub(crate) fn conform(model: &Model, plan: LogicalPlan) -> Result<LogicalPlan, FeatureError> {
    refuse_missing(model, &plan)?;
    refuse_other_kinds(model, &plan)?;
    let wanted = |name: &str, found: &DataType| {
        let declared = model.column(name)?.column_type?;
        (!is_of_type(found, declared)).then(|| contract::arrow_type(declared))
    };
    if !plan.schema().fields().iter().any(|field| wanted(field.name(), field.data_type()).is_some()) {
        return Ok(plan);
    }
    let columns = plan.schema().iter().map(|(relation, field)| {
        let column = Expr::Column(Column::new(relation.cloned(), field.name()));
        match wanted(field.name(), field.data_type()) {
            Some(wanted) => cast(column, wanted).alias_qualified(relation.cloned(), field.name()),
            None => column,
        }
    });
    let columns: Vec<Expr> = columns.collect();
    Ok(LogicalPlanBuilder::from(plan).project(columns)?.build()?)
}

fn refuse_missing(model: &Model, plan: &LogicalPlan) -> Result<(), ModelFault> {
    let Some(Interface { file, columns }) = &model.interface else { return Ok(()) };
    let has = |name: &str| plan.schema().fields().iter().any(|field| field.name() == name);
    let missing: Vec<&ColumnDoc> = columns.iter().filter(|column| !column.optional && !has(&column.name)).collect();
    let Some(first) = missing.first() else { return Ok(()) };
    let names: Vec<String> = missing.iter().map(|column| named_with_type(column)).collect();
    let example = first.column_type.map_or("varchar", sql_type);
    let message = format!(
        "lacks {}, which `{file}` declares and other models read: give {}, if only as `cast(null as {example}) as {}` where it is not \
         tested for null",
        names.join(", "),
        if missing.len() == 1 { "it" } else { "them" },
        first.name
    );
    Err(ModelFault::new(&model.file, message))
}

fn refuse_other_kinds(model: &Model, plan: &LogicalPlan) -> Result<(), ModelFault> {
    let mut message = String::new();
    for field in plan.schema().fields() {
        let declared = model.column(field.name()).and_then(|column| column.column_type);
        let Some(declared) = declared.filter(|&declared| !is_of_kind(field.data_type(), declared)) else { continue };
        let separator = if message.is_empty() { "" } else { "; " };
        let (name, found) = (field.name(), field.data_type());
        // Writing to a text does not fail.
        let _ = write!(
            message,
            "{separator}column `{name}` is {found}, declared {declared}: write `cast({name} as {}) as {name}`",
            sql_type(declared)
        );
    }
    if message.is_empty() {
        return Ok(());
    }
    let declared_in = model.interface.as_ref().map(|interface| interface.file.clone());
    let declared_in = declared_in.unwrap_or_else(|| model.description_file());
    Err(ModelFault::new(&model.file, format!("{message}, as the types of `{declared_in}` hold")))
}

/// Whether a type is the declared one; texts are all alike.
fn is_of_type(found: &DataType, declared: ColumnType) -> bool {
    match declared {
        ColumnType::Text => found.is_string(),
        _ => *found == contract::arrow_type(declared),
    }
}

/// Whether the values of a type can be ones of the declared type without losing any digits; those out of its range are refused as they
/// are met. A timestamp without a zone is in UTC.
fn is_of_kind(found: &DataType, declared: ColumnType) -> bool {
    match (declared, found) {
        (_, DataType::Null) => true,
        (ColumnType::Integer | ColumnType::BigInt, found) => found.is_integer(),
        (ColumnType::Double, found) => found.is_integer() || found.is_floating(),
        (ColumnType::Timestamp, DataType::Timestamp(..)) => true,
        (
            ColumnType::Money,
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale)
            | DataType::Decimal256(_, scale),
        ) => *scale <= 2,
        (declared, found) => is_of_type(found, declared),
    }
}

/// A type as SQL writes it.
fn sql_type(declared: ColumnType) -> &'static str {
    match declared {
        ColumnType::Text => "varchar",
        ColumnType::Integer => "int",
        ColumnType::BigInt => "bigint",
        ColumnType::Double => "double",
        ColumnType::Boolean => "boolean",
        ColumnType::Date => "date",
        ColumnType::Timestamp => "timestamp",
        ColumnType::Money => "decimal(18, 2)",
    }
}
