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
use crate::files::pin::read_metadata;
use crate::files::unreadable::open_rows;

/// Whether an error is one of reading the pages of a Parquet file, of which nothing says which file it is.
pub fn is_damage(error: &(dyn Error + 'static)) -> bool {
    let mut error = Some(error);
    while let Some(of) = error {
        if of.downcast_ref::<FeatureError>().is_some_and(|error| matches!(error, FeatureError::Unreadable { .. })) {
            return false;
        }
        let is_of_arrow = of.downcast_ref::<ArrowError>().is_some_and(|of| matches!(of, ArrowError::ParquetError(_)));
        let root = of.downcast_ref::<DataFusionError>().map(DataFusionError::find_root);
        let is_of_engine = root.is_some_and(|root| match root {
            DataFusionError::ParquetError(_) => true,
            DataFusionError::ArrowError(error, _) => matches!(error.as_ref(), ArrowError::ParquetError(_)),
            _ => false,
        });
        if is_of_arrow || is_of_engine || of.is::<ParquetError>() {
            return true;
        }
        error = of.source();
    }
    false
}

/// The first file of the sources whose footer can be read and whose rows cannot; `None` where all can be.
pub async fn damaged_file(ctx: &SessionContext, sources: &[Source]) -> Option<FeatureError> {
    for source in sources {
        for table in &source.tables {
            let Ok(folder) = Folder::locate(ctx, source, table) else { continue };
            // What cannot be listed any more is no longer what was read.
            let Ok(contents) = folder.contents().await else { continue };
            for file in contents.files {
                if let Some((column, error)) = damaged_column(&folder, table, &file.meta).await {
                    return Some(damaged(&folder, table, &file.meta, column, error));
                }
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
        if let Err(error) = read.await {
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
    source: DataFusionError,
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
        source: Box::new(source),
    }
}
