//! References that name no row.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::{JoinType, LogicalPlanBuilder};
use datafusion::prelude::SessionContext;
use mainstay_config::source::Reference;

use crate::conflicts::{self, RefusedRows};
use crate::contract;
use crate::error::FeatureError;
use crate::source::OpenTable;

/// The relation and column of the values that rows are held against.
const VALUES: &str = "values";

/// The rows of a table whose reference names no row.
#[derive(Debug, Clone)]
pub(crate) struct BrokenReference {
    column: String,
    /// The distinct values that name nothing, of all rows.
    values: Arc<MemTable>,
    pub(crate) refused: RefusedRows,
}

impl BrokenReference {
    /// Finds the `rows` of a table whose reference is broken: its value is no key of the rows that it may name. Null names
    /// none and is not broken.
    ///
    /// One query over two columns, and one over the rows where a value names nothing.
    pub(crate) async fn find(
        ctx: &SessionContext,
        open: &OpenTable,
        rows: LogicalPlanBuilder,
        reference: &Reference,
        named: &OpenTable,
    ) -> Result<Option<Self>, FeatureError> {
        let column = contract::column(&reference.column);
        let stated = open.scan()?.filter(column.clone().is_not_null())?.project([column.alias(VALUES)])?;
        let keys = named.keeping_rules()?.project([contract::column(&reference.key).alias(VALUES)])?;
        let broken = hold_against(keys, stated, VALUES, JoinType::RightAnti)?.distinct()?;
        let Some(values) = conflicts::hold(ctx, broken.build()?).await? else {
            return Ok(None);
        };
        let refused = hold_against(conflicts::scan(VALUES, &values)?, rows, &reference.column, JoinType::RightSemi)?;
        let Some(rows) = conflicts::hold(ctx, refused.build()?).await? else {
            return Ok(None);
        };
        let reason = format!("{} names no row of {}", reference.column, named.name());
        Ok(Some(Self { column: reference.column.clone(), values, refused: RefusedRows { reason, rows } }))
    }

    /// The rows whose reference names a row or is null.
    pub(crate) fn leave_out(&self, rows: LogicalPlanBuilder) -> Result<LogicalPlanBuilder, FeatureError> {
        hold_against(conflicts::scan(VALUES, &self.values)?, rows, &self.column, JoinType::RightAnti)
    }
}

// The values come first, as the side that a hash join builds its table from.
fn hold_against(
    values: LogicalPlanBuilder,
    rows: LogicalPlanBuilder,
    column: &str,
    join_type: JoinType,
) -> Result<LogicalPlanBuilder, FeatureError> {
    let values = values.alias(VALUES)?;
    let on = (vec![Column::new(Some(VALUES), VALUES)], vec![Column::new_unqualified(column)]);
    Ok(values.join(rows.build()?, join_type, on, None)?)
}
