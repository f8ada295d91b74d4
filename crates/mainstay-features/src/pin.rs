//! The files that a run reads, listed once and checked against the contracts.

use std::collections::HashMap;
use std::path::Path as FilePath;
use std::sync::Arc;

use datafusion::arrow::datatypes::Schema;
use datafusion::datasource::listing::ListingTableUrl;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use mainstay_config::{Source, SourceTable};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use parquet::arrow::parquet_to_arrow_schema;
use parquet::file::metadata::ParquetMetaData;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::contract;
use crate::error::FeatureError;
use crate::side_by_side::side_by_side;
use crate::source;
use crate::statistics::{self, BrokenRules};

/// Footers of one table that are read at the same time.
const CONCURRENT_READS: usize = 16;

/// The files of all source tables: part of the run record, and all that a run reads of its sources.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedSources {
    /// The tables in the order of the project.
    pub tables: Vec<PinnedTable>,
}

/// The files of one source table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedTable {
    /// The source.
    pub source: String,
    /// The table of the source.
    pub table: String,
    /// Its files in the order of their paths, at least one.
    pub files: Vec<PinnedFile>,
}

/// One file as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedFile {
    /// Its URL: `file:///...` or that of object storage.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
    /// When the store says that it was written.
    pub last_modified: Timestamp,
    /// The store's tag of its content, where it has one.
    pub etag: Option<String>,
    /// The newest instant at which a row happened or was known, by the file's statistics; absent where they do not tell.
    #[serde(default)]
    pub newest: Option<Timestamp>,
    /// Whether the file's statistics show that no row breaks a rule for single rows of its contract.
    #[serde(default)]
    pub keeps_rules: bool,
}

impl PinnedFile {
    /// Whether the store still tells of the file what it told when it was pinned.
    fn is_same(&self, found: &ObjectMeta) -> bool {
        self.bytes == found.size && self.last_modified == last_modified(found) && self.etag == found.e_tag
    }
}

/// Lists the Parquet files of every source table and checks that each can be read and keeps the types of its contract.
///
/// A path is a single `.parquet` file, or a folder of which all `*.parquet` files below count, save those in folders or
/// with names that begin with `_` or `.`. The context provides the object stores.
pub async fn pin(ctx: &SessionContext, sources: &[Source]) -> Result<PinnedSources, FeatureError> {
    let declared = sources.iter().flat_map(|source| source.tables.iter().map(move |table| (source, table)));
    let tables = declared.map(|(source, table)| pin_table(ctx.clone(), source.clone(), table.clone()));
    let tables = side_by_side(tables).await?.into_iter().collect::<Result<_, _>>()?;
    Ok(PinnedSources { tables })
}

async fn pin_table(ctx: SessionContext, source: Source, table: SourceTable) -> Result<PinnedTable, FeatureError> {
    let folder = Folder::locate(&ctx, &source, &table)?;
    let rules = BrokenRules::of(&ctx, &table)?;
    let reads = folder.files().await?.into_iter().map(|file| folder.read_footer(&rules, file));
    let files = futures::stream::iter(reads).buffered(CONCURRENT_READS).try_collect().await?;
    Ok(PinnedTable { source: source.name, table: table.name.clone(), files })
}

/// Refuses pins that no longer hold: where a file has been written anew or removed since, nobody can check what was read of it. Files
/// that have come since are not the run's. One listing a table, and a look at each file that it lacks.
pub async fn refuse_changed(
    ctx: &SessionContext,
    sources: &[Source],
    pinned: &PinnedSources,
) -> Result<(), FeatureError> {
    for source in sources {
        for table in &source.tables {
            let pinned = pinned.table(&source.name, &table.name)?;
            Folder::locate(ctx, source, table)?.refuse_changed(pinned).await?;
        }
    }
    Ok(())
}

/// The files among the pinned ones that are gone or were written anew since, as `path was removed`; none where all of it can still be
/// read as it was.
///
/// # Errors
/// A table of the project that is not pinned, and what the store says.
pub async fn changed_since(
    ctx: &SessionContext,
    sources: &[Source],
    pinned: &PinnedSources,
) -> Result<Vec<String>, FeatureError> {
    let mut changed = Vec::new();
    for source in sources {
        for table in &source.tables {
            let pinned = pinned.table(&source.name, &table.name)?;
            let found = Folder::locate(ctx, source, table)?.changed(pinned).await?;
            changed.extend(found.into_iter().map(|(file, change)| format!("{file} was {change}")));
        }
    }
    Ok(changed)
}

impl PinnedSources {
    /// The files of a table, which must be pinned.
    pub(crate) fn table(&self, source: &str, table: &str) -> Result<&PinnedTable, FeatureError> {
        let pinned = self.tables.iter().find(|pinned| pinned.source == source && pinned.table == table);
        pinned.ok_or_else(|| FeatureError::NotPinned { table: contract::table_name(source, table) })
    }
}

/// Where the files of a source table lie.
struct Folder<'a> {
    /// `source.table`.
    name: String,
    table: &'a SourceTable,
    url: ListingTableUrl,
    store: Arc<dyn ObjectStore>,
}

impl<'a> Folder<'a> {
    /// A local path without a scheme is taken literally, wildcards included.
    ///
    /// Links and `..` are resolved, as object stores know none; where there is nothing to resolve, listing says that no
    /// file is there.
    fn locate(ctx: &SessionContext, source: &Source, table: &'a SourceTable) -> Result<Self, FeatureError> {
        let name = contract::table_name(&source.name, &table.name);
        let fault = || FeatureError::Contract {
            table: name.clone(),
            message: format!("`{}` is neither an absolute path nor a URL: correct the path of the source", table.path),
        };
        let url = if table.path.contains("://") {
            Url::parse(&table.path).map_err(|_| fault())?
        } else {
            let path = FilePath::new(&table.path);
            let resolved = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            Url::from_file_path(resolved).map_err(|()| fault())?
        };
        let url = ListingTableUrl::try_new(url, None)?;
        let store = ctx.runtime_env().object_store(url.object_store())?;
        Ok(Self { name, table, url, store })
    }

    /// The Parquet files in the order of their paths, at least one.
    async fn files(&self) -> Result<Vec<ObjectMeta>, FeatureError> {
        let (mut files, others): (Vec<_>, Vec<_>) =
            self.found().await?.into_iter().partition(|file| file.location.extension() == Some("parquet"));
        if files.is_empty() {
            return Err(FeatureError::NoFiles {
                table: self.name.clone(),
                path: self.table.path.clone(),
                found: found_instead(&others),
            });
        }
        files.sort_by(|left, right| left.location.cmp(&right.location));
        Ok(files)
    }

    /// What lies there, Parquet or not.
    async fn found(&self) -> Result<Vec<ObjectMeta>, FeatureError> {
        let folder = self.url.prefix();
        // A folder may be called x.parquet too: what is no file is listed.
        if folder.extension() == Some("parquet")
            && let Some(file) = self.file(folder).await?
        {
            return Ok(vec![file]);
        }
        let listed = self.store.list(Some(folder)).try_collect().await;
        let mut found: Vec<ObjectMeta> = listed.map_err(|error| self.storage(error))?;
        found.retain(|file| is_visible(folder, &file.location));
        Ok(found)
    }

    /// A single file, where there is one.
    async fn file(&self, location: &Path) -> Result<Option<ObjectMeta>, FeatureError> {
        match self.store.head(location).await {
            Ok(file) => Ok(Some(file)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.storage(error)),
        }
    }

    fn storage(&self, error: object_store::Error) -> FeatureError {
        FeatureError::Storage { table: self.name.clone(), path: self.table.path.clone(), source: error }
    }

    async fn refuse_changed(&self, pinned: &PinnedTable) -> Result<(), FeatureError> {
        match self.changed(pinned).await?.into_iter().next() {
            Some((file, change)) => Err(FeatureError::Changed { table: self.name.clone(), file, change }),
            None => Ok(()),
        }
    }

    /// The pinned files that are no longer as they were, each with what became of it.
    async fn changed(&self, pinned: &PinnedTable) -> Result<Vec<(String, &'static str)>, FeatureError> {
        let found = self.found().await?.into_iter().map(|file| (file.location.clone(), file));
        let mut found: HashMap<Path, ObjectMeta> = found.collect();
        let mut changed = Vec::new();
        for file in &pinned.files {
            let url = source::file_url(&self.name, &file.path)?;
            let now = match found.remove(url.prefix()) {
                Some(now) => Some(now),
                // Where a link leads elsewhere by now, the file still lies where it was pinned.
                None => self.file(url.prefix()).await?,
            };
            let change = match now {
                None => "removed",
                Some(now) if !file.is_same(&now) => "written anew",
                Some(_) => continue,
            };
            changed.push((shown(url.get_url()), change));
        }
        Ok(changed)
    }

    async fn read_footer(&self, rules: &BrokenRules, file: ObjectMeta) -> Result<PinnedFile, FeatureError> {
        let path = self.url_of(&file.location);
        let shown = shown(&path);
        let unreadable =
            |error| FeatureError::Unreadable { table: self.name.clone(), file: shown.clone(), source: Box::new(error) };
        let (metadata, schema) = read_metadata(&self.store, &file).await.map_err(unreadable)?;
        contract::check_file(&self.name, self.table, &shown, &schema)?;
        let newest = statistics::newest(self.table, &metadata, &schema).map_err(unreadable)?;
        let keeps_rules = rules.hold_for_no_row(&metadata, &schema).map_err(unreadable)?;
        let rows = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or_default();
        let last_modified = last_modified(&file);
        Ok(PinnedFile {
            path: path.into(),
            bytes: file.size,
            rows,
            last_modified,
            etag: file.e_tag,
            newest,
            keeps_rules,
        })
    }

    fn url_of(&self, location: &Path) -> Url {
        let mut url = self.url.get_url().clone();
        url.set_path("");
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(location.parts().map(|part| part.as_ref().to_owned()));
        }
        url
    }
}

fn is_visible(folder: &Path, file: &Path) -> bool {
    file.prefix_match(folder).is_some_and(|mut parts| !parts.any(|part| part.as_ref().starts_with(['_', '.'])))
}

fn found_instead(others: &[ObjectMeta]) -> String {
    match others.iter().filter_map(|file| file.location.filename()).min() {
        Some(name) => format!(" (found `{name}`, which is not read)"),
        None => String::new(),
    }
}

async fn read_metadata(
    store: &Arc<dyn ObjectStore>,
    file: &ObjectMeta,
) -> Result<(Arc<ParquetMetaData>, Schema), DataFusionError> {
    let reader = DFParquetMetadata::new(store.as_ref(), file);
    let metadata = reader.fetch_metadata().await?;
    let file = metadata.file_metadata();
    let schema = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata())?;
    Ok((metadata, schema))
}

fn last_modified(file: &ObjectMeta) -> Timestamp {
    Timestamp::from_microsecond(file.last_modified.timestamp_micros()).unwrap_or_default()
}

/// A URL as a user writes it: a local file by its path.
fn shown(url: &Url) -> String {
    match url.to_file_path() {
        Ok(path) if url.scheme() == "file" => path.to_string_lossy().into_owned(),
        _ => url.to_string(),
    }
}
