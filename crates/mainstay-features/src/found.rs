//! Source tables as their files hold them: every row and every column, whatever the contract says.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::prelude::{DataFrame, SessionContext};
use futures::{StreamExt, TryStreamExt};
use mainstay_config::SourceTable;

use crate::contract;
use crate::error::FeatureError;
use crate::pin::PinnedTable;
use crate::source::file_url;

/// Footers that are read at the same time.
const CONCURRENT_READS: usize = 16;

/// All rows of a pinned table, those that break its contract included: the declared columns in their declared types and order, then
/// the others of its files by name. An undeclared column that has several types is left out.
pub async fn rows_as_found(
    ctx: &SessionContext,
    table: &SourceTable,
    pinned: &PinnedTable,
) -> Result<DataFrame, FeatureError> {
    let name = contract::table_name(&pinned.source, &pinned.table);
    let urls = pinned.files.iter().map(|file| file_url(&name, &file.path)).collect::<Result<Vec<_>, _>>()?;
    let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension("");
    let undeclared = undeclared_columns(ctx, table, &urls, &options).await?;
    let declared = contract::declared_schema(table);
    let fields: Vec<_> = declared.fields().iter().cloned().chain(undeclared.into_iter().map(Arc::new)).collect();
    let config = ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(options)
        .with_schema(Arc::new(Schema::new(fields)));
    Ok(ctx.read_table(Arc::new(ListingTable::try_new(config)?))?)
}

async fn undeclared_columns(
    ctx: &SessionContext,
    table: &SourceTable,
    urls: &[ListingTableUrl],
    options: &ListingOptions,
) -> Result<Vec<Field>, FeatureError> {
    let state = ctx.state();
    let schemas = urls.iter().map(|url| options.infer_schema(&state, url));
    let schemas: Vec<Arc<Schema>> = futures::stream::iter(schemas).buffered(CONCURRENT_READS).try_collect().await?;
    let mut types: BTreeMap<String, Option<DataType>> = BTreeMap::new();
    for field in schemas.iter().flat_map(|schema| schema.fields()) {
        let of = types.entry(field.name().clone()).or_insert_with(|| Some(field.data_type().clone()));
        if of.as_ref().is_some_and(|first| first != field.data_type()) {
            *of = None;
        }
    }
    let undeclared = types.into_iter().filter(|(name, _)| table.column(name).is_none());
    Ok(undeclared.filter_map(|(name, data_type)| Some(Field::new(name, data_type?, true))).collect())
}
