//! Source tables as models see them: the rows before an instant that keep their contract.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::datasource::provider_as_source;
use datafusion::execution::cache::TableScopedPath;
use datafusion::execution::cache::cache_manager::{CachedFileMetadata, FileStatisticsCache};
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use datafusion::prelude::{DataFrame, SessionContext};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use mainstay_config::{Project, Source, SourceTable};
use url::Url;

use crate::contract;
use crate::error::FeatureError;
use crate::pin::PinnedSources;

/// What a table may keep of its files' statistics, so that only the first plan reads them.
const STATISTICS_CACHE_BYTES: usize = 64 * 1024 * 1024;

/// The pinned files of a project, open for reading.
#[derive(Debug, Clone)]
pub struct Sources {
    pub(crate) tables: Vec<OpenTable>,
    pub(crate) time_zone: TimeZone,
}

/// One source table and its pinned files, with the declared columns in the declared types, all rows included.
#[derive(Debug, Clone)]
pub(crate) struct OpenTable {
    pub(crate) source: String,
    pub(crate) table: SourceTable,
    pub(crate) provider: Arc<dyn TableProvider>,
}

impl Sources {
    /// Opens the pinned files of all sources of a project. A table that is not pinned is an error.
    pub fn open(project: &Project, pinned: &PinnedSources) -> Result<Self, FeatureError> {
        Self::open_tables(&project.config().sources, pinned, &project.time_zone())
    }

    pub(crate) fn open_tables(
        sources: &[Source],
        pinned: &PinnedSources,
        time_zone: &TimeZone,
    ) -> Result<Self, FeatureError> {
        let declared = sources.iter().flat_map(|source| source.tables.iter().map(move |table| (source, table)));
        let tables =
            declared.map(|(source, table)| open_table(&source.name, table, pinned)).collect::<Result<_, _>>()?;
        Ok(Self { tables, time_zone: time_zone.clone() })
    }

    /// The rows of a table that a model may see before `bound`, which are those that
    /// happened before it, were known before it, and keep the contract.
    pub(crate) fn view(
        &self,
        source: &str,
        table: &str,
        bound: Timestamp,
    ) -> Result<Arc<dyn TableProvider>, FeatureError> {
        let open = self.tables.iter().find(|open| open.source == source && open.table.name == table);
        let open = open.ok_or_else(|| FeatureError::NotPinned { table: contract::table_name(source, table) })?;
        let conditions =
            open.visible(bound)?.into_iter().chain(contract::rules(&open.table).into_iter().map(|rule| rule.kept));
        let mut plan = LogicalPlanBuilder::scan(open.name(), provider_as_source(Arc::clone(&open.provider)), None)?;
        if let Some(condition) = conditions.reduce(Expr::and) {
            plan = plan.filter(condition)?;
        }
        Ok(Arc::new(ViewTable::new(plan.build()?, None)))
    }
}

impl OpenTable {
    /// `source.table`.
    pub(crate) fn name(&self) -> String {
        contract::table_name(&self.source, &self.table.name)
    }

    /// All rows, those that break the contract included.
    pub(crate) fn read(&self, ctx: &SessionContext) -> Result<DataFrame, FeatureError> {
        Ok(ctx.read_table(Arc::clone(&self.provider))?)
    }

    /// What holds for a row that happened and was known before `bound`. Never true without an event time.
    pub(crate) fn visible(&self, bound: Timestamp) -> Result<Vec<Expr>, FeatureError> {
        let event_time = contract::time_column(&self.table, &self.table.event_time)?;
        let mut conditions = vec![event_time.clone().lt(contract::instant(bound))];
        if let Some(known_at) = &self.table.known_at {
            let known = contract::time_column(&self.table, known_at)?;
            let is_nullable = self.table.column(known_at).is_none_or(|column| column.nullable);
            let known = if is_nullable { coalesce(vec![known, event_time]) } else { known };
            conditions.push(known.lt(contract::instant(bound)));
        }
        Ok(conditions)
    }
}

fn open_table(source: &str, table: &SourceTable, pinned: &PinnedSources) -> Result<OpenTable, FeatureError> {
    let name = contract::table_name(source, &table.name);
    let files = pinned.tables.iter().find(|pinned| pinned.source == source && pinned.table == table.name);
    let files = files.ok_or_else(|| FeatureError::NotPinned { table: name.clone() })?;
    let urls = files.files.iter().map(|file| file_url(&name, &file.path)).collect::<Result<Vec<_>, _>>()?;
    let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension("");
    // The declared schema makes every file, whatever the order and width of its columns, read in the declared types.
    let config = ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(options)
        .with_schema(contract::declared_schema(table));
    let statistics: Arc<FileStatisticsCache> =
        Arc::new(DefaultCache::<TableScopedPath, CachedFileMetadata>::new(STATISTICS_CACHE_BYTES));
    let provider = Arc::new(ListingTable::try_new(config)?.with_cache(Some(statistics)));
    Ok(OpenTable { source: source.to_owned(), table: table.clone(), provider })
}

fn file_url(table: &str, path: &str) -> Result<ListingTableUrl, FeatureError> {
    let url = Url::parse(path).map_err(|_| FeatureError::Contract {
        table: table.to_owned(),
        message: format!("the pinned file `{path}` is not a URL: pin the sources again"),
    })?;
    Ok(ListingTableUrl::try_new(url, None)?)
}
