//! Source tables as a scan of their files gives them: every row and every column, whatever the contract says.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::prelude::{DataFrame, SessionContext};
use futures::{StreamExt, TryStreamExt};
use mainstay_config::SourceTable;

use crate::contract;
use crate::error::FeatureError;
use crate::files::format;
use crate::files::listing::{OpenFile, listing, no_statistics};
use crate::files::pinned::PinnedTable;

/// Footers that are read at the same time.
const CONCURRENT_READS: usize = 16;

/// All rows of a pinned table, those that break its contract included: the declared columns in their declared types and order, then
/// the others of its files by name. An undeclared column that has several types, or stands twice in a file, is left out, and former names
/// of declared columns are none.
pub async fn scanned_rows(
    ctx: &SessionContext,
    table: &SourceTable,
    pinned: &PinnedTable,
) -> Result<DataFrame, FeatureError> {
    let name = contract::table_name(&pinned.source, &pinned.table);
    let files = pinned.files.iter().map(|file| OpenFile::open(&name, file)).collect::<Result<Vec<_>, _>>()?;
    let undeclared = undeclared_columns(ctx, table, &files).await?;
    Ok(ctx.read_table(listing(table, &files.iter().collect::<Vec<_>>(), &undeclared, &no_statistics())?)?)
}

async fn undeclared_columns(
    ctx: &SessionContext,
    table: &SourceTable,
    files: &[OpenFile],
) -> Result<Vec<Field>, FeatureError> {
    let (state, options) = (ctx.state(), format::options());
    let schemas = files.iter().map(|file| options.infer_schema(&state, file.url()));
    let schemas: Vec<Arc<Schema>> = futures::stream::iter(schemas).buffered(CONCURRENT_READS).try_collect().await?;
    let mut types: BTreeMap<String, Option<DataType>> = BTreeMap::new();
    for field in schemas.iter().flat_map(|schema| unrepeated(schema)) {
        let of = types.entry(field.name().clone()).or_insert_with(|| Some(field.data_type().clone()));
        if of.as_ref().is_some_and(|first| first != field.data_type()) {
            *of = None;
        }
    }
    let is_declared =
        |name: &String| table.columns.iter().any(|column| column.name == *name || column.renamed_from.contains(name));
    let undeclared = types.into_iter().filter(|(name, _)| !is_declared(name));
    Ok(undeclared.filter_map(|(name, data_type)| Some(Field::new(name, data_type?, true))).collect())
}

/// The columns of a file whose names stand there once.
fn unrepeated(schema: &Schema) -> impl Iterator<Item = &Arc<Field>> {
    let fields = schema.fields().iter();
    fields.filter(|field| schema.fields().iter().filter(|other| other.name() == field.name()).count() == 1)
}
