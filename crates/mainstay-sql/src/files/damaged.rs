//! Which file of a source it was whose pages cannot be read.
//!
//! Of each file the footer is read as it is pinned, and the pages behind it as queries ask for them; the engine's error of a page does not
//! say in which file that stands. So the declared columns of each file are read by themselves, until one fails.

use std::error::Error;
use std::sync::Arc;

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use mainstay_config::source::BadFiles;
use mainstay_config::{Source, SourceTable};
use object_store::ObjectMeta;
use parquet::errors::ParquetError;

use crate::error::FeatureError;
use crate::files::columns::names_of;
use crate::files::folder::Folder;
use crate::files::listing::file_url;
use crate::files::pin::read_metadata;
use crate::files::pinned::PinnedSources;
use crate::files::unreadable::open_rows;

/// Whether an error is one of reading the pages of a Parquet file, of which nothing says which file it is. One of the store is none, nor one
/// that names its file.
pub fn is_damage(error: &(dyn Error + 'static)) -> bool {
    let (mut error, mut is_of_parquet) = (Some(error), false);
    while let Some(of) = error {
        let names_its_file = matches!(of.downcast_ref::<FeatureError>(), Some(FeatureError::Unreadable { .. }));
        if names_its_file || of.is::<object_store::Error>() {
            return false;
        }
        let is_of_arrow = matches!(of.downcast_ref::<ArrowError>(), Some(ArrowError::ParquetError(_)));
        let is_of_engine = match of.downcast_ref::<DataFusionError>().map(DataFusionError::find_root) {
            Some(DataFusionError::ParquetError(_)) => true,
            Some(DataFusionError::ArrowError(error, _)) => matches!(error.as_ref(), ArrowError::ParquetError(_)),
            _ => false,
        };
        is_of_parquet |= is_of_arrow || is_of_engine || of.is::<ParquetError>();
        error = of.source();
    }
    is_of_parquet
}

/// The first of the pinned files whose rows cannot be read; `None` where those of all can be.
pub async fn damaged_file(ctx: &SessionContext, sources: &[Source], pinned: &PinnedSources) -> Option<FeatureError> {
    for of in &pinned.tables {
        let Some(source) = sources.iter().find(|source| source.name == of.source) else { continue };
        let Some(table) = source.tables.iter().find(|table| table.name == of.table) else { continue };
        // What cannot be located any more is no longer what was read.
        let Ok(folder) = Folder::locate(ctx, source, table) else { continue };
        for file in &of.files {
            let Ok(url) = file_url(&folder.name, &file.path) else { continue };
            let (location, last_modified) = (url.prefix().clone(), Default::default());
            let meta = ObjectMeta { location, last_modified, size: file.bytes, e_tag: None, version: None };
            if let Some((column, error)) = damaged_column(&folder, table, &meta).await {
                return Some(damaged(&folder, table, &meta, column, error));
            }
        }
    }
    None
}

/// The first declared column of a file that cannot be read; `None` where its footer cannot either.
async fn damaged_column(
    folder: &Folder<'_>,
    table: &SourceTable,
    file: &ObjectMeta,
) -> Option<(String, DataFusionError)> {
    let (metadata, schema) = read_metadata(&folder.store, file).await.ok()?;
    let is_declared = |name: &str| table.columns.iter().any(|declared| names_of(declared).any(|known| known == name));
    for field in schema.fields().iter().filter(|field| is_declared(field.name())) {
        let read = async {
            let name = std::iter::once(field.name().as_str());
            let mut rows = open_rows(Arc::clone(&folder.store), file, &metadata, &schema, name)?;
            while rows.try_next().await?.is_some() {}
            Ok::<_, DataFusionError>(())
        };
        if let Err(error) = read.await
            && is_damage(&error)
        {
            return Some((field.name().clone(), error));
        }
    }
    None
}

fn damaged(
    folder: &Folder<'_>,
    table: &SourceTable,
    file: &ObjectMeta,
    column: String,
    cause: DataFusionError,
) -> FeatureError {
    FeatureError::Damaged {
        table: folder.name.clone(),
        file: folder.shown(&file.location).into(),
        column: column.into(),
        policy: match table.bad_files {
            BadFiles::Stop => "",
            BadFiles::Quarantine => {
                "; `bad_files: quarantine` leaves out what is found bad before rows are read, and this was found as they were"
            }
        },
        cause: Box::new(cause),
    }
}
