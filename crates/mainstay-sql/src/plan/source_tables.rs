//! What a plan reads in the place of source tables: their rows, or as much as their contracts say.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;

use crate::contract;
use crate::error::FeatureError;
use crate::project::SqlProject;
use crate::visible::moment::Bounds;
use crate::visible::sources::Sources;

/// What stands for rows of a source table: (source, table, which of them, instants up to which they are seen).
pub(crate) type SourceTables<'a> =
    Box<dyn Fn(&str, &str, Rows, Bounds) -> Result<Arc<dyn TableProvider>, FeatureError> + Send + Sync + 'a>;

/// Which rows of a source table are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Those that keep the contract.
    Sound,
    /// Those that break it.
    Refused,
}

/// The rows of the tables as they were known within the bounds.
pub(crate) fn known_tables(sources: &Sources) -> SourceTables<'_> {
    Box::new(|source, table, rows, bounds| {
        let table = sources.table(source, table)?;
        match rows {
            Rows::Sound => table.view(bounds),
            Rows::Refused => table.refused_view(bounds),
        }
    })
}

/// The source tables as they are declared, without rows; the metadata of their schemas say their zone, if it is another than UTC.
pub(crate) fn declared_tables(project: &SqlProject) -> SourceTables<'_> {
    Box::new(|source, table, _, _| {
        let name = contract::table_name(source, table);
        let declared = mainstay_config::source::tables(project.sources()).find(|(declared, _)| *declared == name);
        let (_, declared) = declared.ok_or(FeatureError::NotPinned { table: name })?;
        let schema = contract::declared_schema(declared).as_ref().clone();
        let zone = declared.zone().iana_name().filter(|zone| *zone != "UTC").map(str::to_owned);
        let metadata = zone.into_iter().map(|zone| (contract::TIME_ZONE.to_owned(), zone)).collect();
        Ok(Arc::new(EmptyTable::new(Arc::new(schema.with_metadata(metadata)))) as Arc<dyn TableProvider>)
    })
}
