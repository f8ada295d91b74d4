//! Files of a source table as one table, whatever each of them calls its columns.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::listing::{ListingTable, ListingTableUrl};
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::execution::cache::TableScopedPath;
use datafusion::execution::cache::cache_manager::{CachedFileMetadata, FileStatisticsCache};
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, TableType, Union, lit,
};
use datafusion::physical_plan::ExecutionPlan;
use jiff::Timestamp;
use mainstay_config::SourceTable;
use url::Url;

use crate::contract;
use crate::error::FeatureError;
use crate::files::columns::{FileColumns, Place};
use crate::files::format;
use crate::files::pinned::PinnedFile;

/// What is kept of the statistics of a table's files, so that only the first plan over each of them reads them.
const STATISTICS_BYTES: usize = 64 * 1024 * 1024;

/// Nothing known yet of the statistics of a table's files. What is kept of one is known by its path, size and time, and by the columns that
/// it was read for, so that all listings of a table share it.
pub(crate) fn no_statistics() -> Arc<FileStatisticsCache> {
    Arc::new(DefaultCache::<TableScopedPath, CachedFileMetadata>::new(STATISTICS_BYTES))
}

/// A pinned file, open for reading.
#[derive(Debug, Clone)]
pub(crate) struct OpenFile {
    url: ListingTableUrl,
    columns: FileColumns,
    /// As in [`PinnedFile::newest`].
    pub(crate) newest: Option<Timestamp>,
    /// As in [`PinnedFile::keeps_rules`].
    pub(crate) keeps_rules: bool,
}

impl OpenFile {
    /// Opens a pinned file of a table, which messages call `name`.
    pub(crate) fn open(name: &str, file: &PinnedFile) -> Result<Self, FeatureError> {
        let url = file_url(name, &file.path)?;
        Ok(Self { url, columns: file.columns.clone(), newest: file.newest, keeps_rules: file.keeps_rules })
    }

    pub(crate) fn url(&self) -> &ListingTableUrl {
        &self.url
    }

    /// Files with the same arrangement of columns are read as one listing. A column that is lacking needs none of its own.
    fn arrangement(&self) -> Arrangement<'_> {
        (&self.columns.renamed, &self.columns.constant)
    }
}

type Arrangement<'a> = (&'a BTreeMap<String, String>, &'a BTreeMap<String, Option<String>>);

/// Files of a table as one: the declared columns in the declared types and order, whatever the order, width and names of those of each
/// file, and behind them `more` columns that the contract does not declare. What is read of their statistics stays in `statistics`.
pub(crate) fn listing(
    table: &SourceTable,
    files: &[&OpenFile],
    more: &[Field],
    statistics: &Arc<FileStatisticsCache>,
) -> Result<Arc<dyn TableProvider>, FeatureError> {
    if files.is_empty() {
        return Ok(Arc::new(EmptyTable::new(contract::declared_schema(table))));
    }
    let mut groups: BTreeMap<Arrangement<'_>, Vec<&OpenFile>> = BTreeMap::new();
    for file in files {
        groups.entry(file.arrangement()).or_default().push(file);
    }
    let is_plain = groups.keys().all(|(renamed, constant)| renamed.is_empty() && constant.is_empty());
    if is_plain {
        let declared = contract::declared_schema(table);
        let fields = declared.fields().iter().cloned().chain(more.iter().cloned().map(Arc::new));
        return scan_files(table, files, fields.collect(), statistics);
    }
    let inputs = groups.into_values().map(|files| arranged(table, &files, more, statistics).map(Arc::new));
    let inputs = inputs.collect::<Result<Vec<_>, FeatureError>>()?;
    let plan = match inputs.as_slice() {
        [only] => only.as_ref().clone(),
        _ => LogicalPlan::Union(Union::try_new(inputs)?),
    };
    Ok(Arc::new(Arranged(ViewTable::new(plan, None))))
}

/// Files that share an arrangement, with their columns under the declared names.
fn arranged(
    table: &SourceTable,
    files: &[&OpenFile],
    more: &[Field],
    statistics: &Arc<FileStatisticsCache>,
) -> Result<LogicalPlan, FeatureError> {
    let columns = files.first().map(|file| file.columns.clone()).unwrap_or_default();
    // What only some of them lack the listing finds out.
    let columns = FileColumns { absent: BTreeSet::new(), ..columns };
    let in_file = columns.in_file(table);
    let declared = contract::declared_schema(&in_file);
    let fields = declared.fields().iter().cloned().chain(more.iter().cloned().map(Arc::new)).collect();
    let mut read: Vec<Expr> = Vec::new();
    for column in &table.columns {
        let value = match columns.place(column) {
            Place::Column(found) => contract::column(found),
            Place::Constant(value) => lit(value),
            Place::Absent => lit(ScalarValue::try_from(contract::arrow_type(column.column_type))?),
        };
        read.push(value.alias(&column.name));
    }
    read.extend(more.iter().map(|field| contract::column(field.name()).alias(field.name())));
    let files = scan_files(&in_file, files, fields, statistics)?;
    Ok(LogicalPlanBuilder::scan("files", provider_as_source(files), None)?.project(read)?.build()?)
}

/// Files as one, whose columns have the names of `in_file`.
fn scan_files(
    in_file: &SourceTable,
    files: &[&OpenFile],
    fields: Vec<FieldRef>,
    statistics: &Arc<FileStatisticsCache>,
) -> Result<Arc<dyn TableProvider>, FeatureError> {
    let urls = files.iter().map(|file| file.url.clone()).collect();
    let config = format::files_of(in_file, urls, Arc::new(Schema::new(fields)));
    Ok(Arc::new(ListingTable::try_new(config)?.with_cache(Some(Arc::clone(statistics)))))
}

/// The URL of a pinned file.
pub(crate) fn file_url(table: &str, path: &str) -> Result<ListingTableUrl, FeatureError> {
    let url = Url::parse(path).map_err(|_| FeatureError::Contract {
        table: table.to_owned(),
        message: format!("the pinned file `{path}` is not a URL: pin the sources again"),
    })?;
    Ok(ListingTableUrl::try_new(url, None)?)
}

/// A view that plans show as a scan like any other: what a plan looks like must not follow from the names in the files.
#[derive(Debug)]
struct Arranged(ViewTable);

#[async_trait]
impl TableProvider for Arranged {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        None
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        self.0.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        self.0.scan(state, projection, filters, limit).await
    }
}
