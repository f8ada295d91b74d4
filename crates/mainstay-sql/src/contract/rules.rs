//! The rules that a contract states for single rows, and for values that come later than their row.
//!
//! A row is judged by the columns that are there from the start, so that it is refused on every day or on none. A value
//! that comes later is judged once it is there, and then it alone is left out: what was seen of its row stays as it was.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::functions::math::expr_fn::isnan;
use datafusion::logical_expr::{Expr, ExprSchemable, lit, when};
use jiff::Timestamp;
use mainstay_config::SourceTable;
use mainstay_config::source::SourceColumn;
use mainstay_schema::table::ColumnType;

use crate::contract;
use crate::contract::days::{self, Days};
use crate::error::FeatureError;

/// A rule that every row, or every value that has come, keeps.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// Why what breaks it is refused.
    pub(crate) reason: String,
    /// True where it is broken; null counts as false.
    pub(crate) broken: Expr,
    /// True where it is kept, never null.
    pub(crate) kept: Expr,
}

/// A column as it reads before an instant.
#[derive(Debug, Clone)]
pub(crate) struct ValueBefore<'a> {
    pub(crate) declared: &'a SourceColumn,
    /// Whether its value has come; `None` for one that is there from the start. Null counts as false.
    pub(crate) has_come: Option<Expr>,
    /// The rules for a value that has come; none for one that is there from the start, whose rules are those of its row.
    pub(crate) rules: Vec<Rule>,
}

/// The rules for the rows of a table, in the order in which a row is judged.
pub(crate) fn of_rows(table: &SourceTable) -> Result<Vec<Rule>, FeatureError> {
    let mut rules = Vec::new();
    for declared in table.columns.iter().filter(|declared| declared.visible_from.is_none()) {
        rules.extend(of_column(table, declared)?);
        rules.extend(order(table, declared, None)?);
    }
    Ok(rules)
}

/// True where one of the rules is broken; `None` without rules.
pub(crate) fn any_broken(rules: &[Rule]) -> Option<Expr> {
    rules.iter().map(|rule| rule.broken.clone()).reduce(Expr::or)
}

/// The columns of a table as they read before `bound`, in order.
pub(crate) fn values_before(table: &SourceTable, bound: Timestamp) -> Result<Vec<ValueBefore<'_>>, FeatureError> {
    table.columns.iter().map(|declared| value_before(table, declared, bound)).collect()
}

impl ValueBefore<'_> {
    /// Whether it comes later than its row.
    pub(crate) fn is_late(&self) -> bool {
        self.has_come.is_some()
    }

    /// The value once it has come, null until then.
    pub(crate) fn as_stated(&self) -> Result<Expr, FeatureError> {
        self.read_if(Vec::new())
    }

    /// The value once it has come if it keeps its rules, null otherwise.
    pub(crate) fn as_seen(&self) -> Result<Expr, FeatureError> {
        self.read_if(self.rules.iter().map(|rule| rule.kept.clone()).collect())
    }

    fn read_if(&self, kept: Vec<Expr>) -> Result<Expr, FeatureError> {
        let value = contract::column(&self.declared.name);
        let Some(has_come) = self.has_come.clone() else { return Ok(value) };
        let is_read = kept.into_iter().fold(has_come, Expr::and);
        Ok(when(is_read, value).end()?)
    }
}

fn value_before<'a>(
    table: &SourceTable,
    declared: &'a SourceColumn,
    bound: Timestamp,
) -> Result<ValueBefore<'a>, FeatureError> {
    let Some(has_come) = has_come(table, declared, bound)? else {
        return Ok(ValueBefore { declared, has_come: None, rules: Vec::new() });
    };
    let mut rules = of_column(table, declared)?;
    rules.extend(order(table, declared, Some(bound))?);
    for rule in &mut rules {
        rule.broken = has_come.clone().and(rule.broken.clone());
    }
    Ok(ValueBefore { declared, has_come: Some(has_come), rules })
}

/// Whether a value has come before `bound`; `None` where it is there from the start.
fn has_come(table: &SourceTable, declared: &SourceColumn, bound: Timestamp) -> Result<Option<Expr>, FeatureError> {
    let Some(time) = &declared.visible_from else { return Ok(None) };
    Ok(Some(days::time_column(table, time)?.lt(contract::instant(bound))))
}

/// The rules that a column states for its values alone.
fn of_column(table: &SourceTable, declared: &SourceColumn) -> Result<Vec<Rule>, FeatureError> {
    let name = &declared.name;
    let value = contract::column(name);
    let is_null = value.clone().is_null();
    let mut rules = Vec::new();
    // A row without an event time cannot be placed before or after any instant.
    if !declared.nullable || table.event_time.as_ref() == Some(name) {
        rules.push(Rule {
            reason: format!("{name} is null"),
            broken: is_null.clone(),
            kept: value.clone().is_not_null(),
        });
    }
    if declared.column_type == ColumnType::Double {
        let broken = isnan(value.clone());
        let kept = is_null.clone().or(Expr::Not(Box::new(broken.clone())));
        rules.push(Rule { reason: format!("{name} is not a number"), broken, kept });
        let infinite = || vec![lit(f64::INFINITY), lit(f64::NEG_INFINITY)];
        rules.push(Rule {
            reason: format!("{name} is infinite"),
            broken: value.clone().in_list(infinite(), false),
            kept: is_null.clone().or(value.clone().in_list(infinite(), true)),
        });
    }
    if let Some(minimum) = declared.minimum {
        let bound = lit(bound_value(declared.column_type, minimum));
        let kept = is_null.clone().or(value.clone().gt_eq(bound.clone()));
        rules.push(Rule { reason: format!("{name} is below {minimum}"), broken: value.clone().lt(bound), kept });
    }
    if let Some(maximum) = declared.maximum {
        let bound = lit(bound_value(declared.column_type, maximum));
        let kept = is_null.or(value.clone().lt_eq(bound.clone()));
        rules.push(Rule { reason: format!("{name} is above {maximum}"), broken: value.gt(bound), kept });
    }
    Ok(rules)
}

/// The rule that a time does not lie before another, which is judged where both have come by `bound`.
fn order(table: &SourceTable, declared: &SourceColumn, bound: Option<Timestamp>) -> Result<Option<Rule>, FeatureError> {
    let Some(other) = declared.not_before.as_ref().and_then(|name| table.column(name)) else { return Ok(None) };
    let mut broken = lies_before(table, declared, other)?;
    if let Some(has_come) = bound.map(|bound| has_come(table, other, bound)).transpose()?.flatten() {
        broken = has_come.and(broken);
    }
    let reason = format!("{} is before {}", declared.name, other.name);
    Ok(Some(Rule { reason, kept: broken.clone().is_not_true(), broken }))
}

/// Whether a time lies before another one; days are compared where one of both is a date.
fn lies_before(table: &SourceTable, time: &SourceColumn, other: &SourceColumn) -> Result<Expr, FeatureError> {
    let is_date = |column: &SourceColumn| column.column_type == ColumnType::Date;
    let of = |column: &SourceColumn| contract::column(&column.name);
    let days = Days::of(table);
    match (is_date(time), is_date(other)) {
        (true, true) | (false, false) => Ok(of(time).lt(of(other))),
        (true, false) if !days.is_table_of_utc() => Ok(days.ends().call(vec![of(time)]).lt_eq(of(other))),
        (false, true) if !days.is_table_of_utc() => Ok(of(time).lt(days.begins().call(vec![of(other)]))),
        // Statistics see through a cast, and not through a function.
        _ => {
            let schema = DFSchema::try_from(contract::declared_schema(table))?;
            let day = |column: &SourceColumn| of(column).cast_to(&DataType::Date32, &schema);
            Ok(day(time)?.lt(day(other)?))
        }
    }
}

// Config checks that the bound of a whole number is whole, and that of money whole cents.
fn bound_value(column_type: ColumnType, bound: f64) -> ScalarValue {
    match column_type {
        ColumnType::Integer => ScalarValue::Int32(Some(bound as i32)),
        ColumnType::BigInt => ScalarValue::Int64(Some(bound as i64)),
        ColumnType::Money => ScalarValue::Decimal128(Some((bound * 100.0).round() as i128), 18, 2),
        _ => ScalarValue::Float64(Some(bound)),
    }
}
