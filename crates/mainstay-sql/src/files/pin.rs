//! The files that a run reads, listed once and checked against the contracts.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::arrow::datatypes::Schema;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use futures::{StreamExt, TryStreamExt};
use mainstay_config::source::BadFiles;
use mainstay_config::{Source, SourceTable};
use mainstay_schema::FileFormat;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use parquet::arrow::parquet_to_arrow_schema;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};

use crate::error::FeatureError;
use crate::files::columns::{FileColumns, FileOf};
use crate::files::folder::{Contents, DataFile, Folder, shown};
use crate::files::listing::file_url;
use crate::files::pinned::{PinnedFile, PinnedSources, PinnedTable, SetAsideFile, UnreadFile, last_modified};
use crate::files::reading::{self, Readings};
use crate::files::statistics::{self, BrokenRules};
use crate::files::unreadable::ValuesOfFile;
use crate::side_by_side::side_by_side;

/// Footers of one table that are read at the same time.
const CONCURRENT_READS: usize = 16;
/// So much of the end of a file is read at once; what most footers take.
const FOOTER_BYTES: u64 = 32 * 1024;
/// What stands at both ends of a Parquet file.
const MAGIC: &[u8] = b"PAR1";

/// Lists the files of every source table and checks that each can be read and keeps the types of its contract.
///
/// A path is a single file, a folder of which all files below count whose names end in `.parquet`, `.parq` or `.pq`, or have no ending and
/// are Parquet by their content, or the folder of a Delta table, of whose newest version the files count. What writers leave beside data
/// (names that begin with `_` or `.`, checksums, marks of folders) is left out; any other file is named in the pins. The context provides
/// the object stores.
///
/// # Errors
/// A file that cannot be read or does not keep the types of its contract, unless the table says `bad_files: quarantine`.
pub async fn pin(ctx: &SessionContext, sources: &[Source]) -> Result<PinnedSources, FeatureError> {
    let declared = sources.iter().flat_map(|source| source.tables.iter().map(move |table| (source, table)));
    let tables = declared.map(|(source, table)| pin_table(ctx.clone(), source.clone(), table.clone()));
    let tables = side_by_side(tables).await?.into_iter().collect::<Result<_, _>>()?;
    Ok(PinnedSources { tables })
}

async fn pin_table(ctx: SessionContext, source: Source, table: SourceTable) -> Result<PinnedTable, FeatureError> {
    let folder = Folder::locate(&ctx, &source, &table)?;
    let readings = Readings::of(&table);
    let rules = BrokenRules::of(&ctx, &table)?;
    let Contents { files, bad, others, delta } = folder.contents().await?;
    let reads = files.into_iter().map(|file| folder.read(&readings, &rules, file));
    let read: Vec<Result<ReadFile, BadFile>> =
        futures::stream::iter(reads).buffered(CONCURRENT_READS).try_collect().await?;
    let mut bad: Vec<BadFile> = bad.into_iter().map(|(meta, error)| BadFile { meta, rows: None, error }).collect();
    let mut files = Vec::with_capacity(read.len());
    for read in read {
        match read {
            Ok(file) => files.push(file),
            Err(file) => bad.push(file),
        }
    }
    bad.sort_by(|left, right| left.meta.location.cmp(&right.meta.location));
    if files.is_empty() || table.bad_files == BadFiles::Stop {
        if let Some(first) = bad.into_iter().next() {
            return Err(if files.is_empty() { first.error } else { FeatureError::BadFile(Box::new(first.error)) });
        }
        bad = Vec::new();
    }
    if files.is_empty() && delta.is_none() {
        let found = found_instead(&others);
        return Err(FeatureError::NoFiles { table: folder.name.clone(), path: table.path.clone(), found });
    }
    let of_delta = delta.as_ref().map_or(&[][..], |(_, columns)| columns);
    folder.refuse_unknown_columns(&files, of_delta)?;
    let url = |meta: &ObjectMeta| folder.url_of(&meta.location).into();
    let aside = |BadFile { meta, rows, error }: BadFile| SetAsideFile {
        path: url(&meta),
        bytes: meta.size,
        rows,
        reason: error.to_string(),
    };
    let unread = |(meta, format): (ObjectMeta, Option<FileFormat>)| UnreadFile {
        path: url(&meta),
        found: format.map(|format| format.to_string()),
    };
    Ok(PinnedTable {
        files: files.into_iter().map(|file| file.pinned).collect(),
        delta_version: delta.map(|(version, _)| version),
        set_aside: bad.into_iter().map(aside).collect(),
        not_read: others.into_iter().map(unread).collect(),
        source: source.name,
        table: table.name.clone(),
    })
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

/// A file that may be used.
struct ReadFile {
    pinned: PinnedFile,
    /// Its columns.
    names: Vec<String>,
}

/// A file that may not.
struct BadFile {
    meta: ObjectMeta,
    /// Its rows, where its footer could be read.
    rows: Option<u64>,
    error: FeatureError,
}

impl Folder<'_> {
    async fn refuse_changed(&self, pinned: &PinnedTable) -> Result<(), FeatureError> {
        match self.changed(pinned).await?.into_iter().next() {
            Some((file, change)) => Err(FeatureError::Changed { table: self.name.clone(), file, change }),
            None => Ok(()),
        }
    }

    /// The pinned files that are no longer as they were, each with what became of it.
    async fn changed(&self, pinned: &PinnedTable) -> Result<Vec<(String, &'static str)>, FeatureError> {
        let found = self.listed().await?.into_iter().map(|file| (file.location.clone(), file));
        let mut found: HashMap<Path, ObjectMeta> = found.collect();
        let mut changed = Vec::new();
        for file in &pinned.files {
            let url = file_url(&self.name, &file.path)?;
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

    /// What a file says of itself; why it may not be used, where that is for the file to answer and not for the store.
    async fn read(
        &self,
        readings: &Readings,
        rules: &BrokenRules,
        file: DataFile,
    ) -> Result<Result<ReadFile, BadFile>, FeatureError> {
        let DataFile { meta, partition } = file;
        let shown = self.shown(&meta.location);
        let (metadata, schema) = match read_metadata(&self.store, &meta).await {
            Ok(read) => read,
            Err(error) => {
                let error = self.unreadable(&meta, error).await?;
                return if error.is_retryable() { Err(error) } else { Ok(Err(BadFile { meta, rows: None, error })) };
            }
        };
        let rows = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or_default();
        let bad = |error| Ok(Err(BadFile { meta: meta.clone(), rows: Some(rows), error }));
        if is_summary(&meta.location, &metadata) {
            return bad(FeatureError::Summary { table: self.name.clone(), file: shown });
        }
        let found = FileOf { name: &self.name, table: self.table, readings, shown: &shown };
        let columns = match FileColumns::find(&found, &schema, &partition) {
            Ok(columns) => columns,
            Err(error) => return bad(error),
        };
        let in_file = columns.in_file(self.table);
        let readings = if columns.renamed.is_empty() { readings.clone() } else { Readings::of(&in_file) };
        let values = ValuesOfFile {
            name: &self.name,
            table: &in_file,
            readings: &readings,
            shown: &shown,
            store: &self.store,
            file: &meta,
            metadata: &metadata,
            schema: &schema,
        };
        let checked = async {
            values.refuse_unreadable().await?;
            values.refuse_other_than_folder(self.table, &columns, &partition).await
        };
        match checked.await {
            Ok(()) => {}
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) => return bad(error),
        }
        let stated = statistics::newest(self.table, &columns, &readings, &metadata, &schema)
            .and_then(|newest| Ok((newest, rules.hold_for_no_row(&columns, &readings, &metadata, &schema)?)));
        let (newest, keeps_rules) = match stated {
            Ok(stated) => stated,
            Err(error) => return bad(self.unreadable(&meta, error).await?),
        };
        let names = schema.fields().iter().map(|field| field.name().clone()).collect();
        let last_modified = last_modified(&meta);
        let (path, bytes, etag) = (self.url_of(&meta.location).into(), meta.size, meta.e_tag);
        let pinned = PinnedFile { path, bytes, rows, last_modified, etag, newest, keeps_rules, columns };
        Ok(Ok(ReadFile { pinned, names }))
    }

    /// Why a file cannot be read, with what it is instead.
    async fn unreadable(&self, file: &ObjectMeta, error: DataFusionError) -> Result<FeatureError, FeatureError> {
        let error = FeatureError::Unreadable {
            table: self.name.clone(),
            file: self.shown(&file.location),
            found: String::new(),
            cause: Box::new(error),
        };
        if error.is_retryable() {
            return Ok(error);
        }
        let what = match self.format_of(file).await? {
            Some(FileFormat::Parquet) if self.tail(file, MAGIC.len() as u64).await? == MAGIC => {
                "its footer is damaged".to_owned()
            }
            Some(FileFormat::Parquet) => "it begins as a Parquet file, but is cut off".to_owned(),
            Some(format) => format!("it is {format}"),
            None => "it is no Parquet file".to_owned(),
        };
        Ok(match error {
            FeatureError::Unreadable { table, file, cause, .. } => {
                FeatureError::Unreadable { table, file, found: what, cause }
            }
            other => other,
        })
    }

    /// Refuses a declared column that no file has: a slip of the pen would be null for ever.
    fn refuse_unknown_columns(&self, files: &[ReadFile], of_delta: &[String]) -> Result<(), FeatureError> {
        let Some(first) = files.first() else { return Ok(()) };
        let is_absent = |name: &String| files.iter().all(|file| file.pinned.columns.absent.contains(name));
        let absent = first.pinned.columns.absent.iter().find(|name| is_absent(name) && !of_delta.contains(name));
        let Some(column) = absent else { return Ok(()) };
        let present: BTreeSet<&String> = files.iter().flat_map(|file| &file.names).collect();
        Err(FeatureError::UnknownColumn {
            table: self.name.clone(),
            column: column.clone(),
            path: self.table.path.clone(),
            present: present.into_iter().cloned().collect(),
        })
    }
}

/// Whether the rows of which a footer speaks stand in other files.
fn is_summary(location: &Path, footer: &ParquetMetaData) -> bool {
    let is_named = matches!(location.filename(), Some("_metadata" | "_common_metadata"));
    let mut chunks = footer.row_groups().iter().flat_map(RowGroupMetaData::columns);
    (is_named && footer.row_groups().is_empty()) || chunks.any(|chunk| chunk.file_path().is_some())
}

fn found_instead(others: &[(ObjectMeta, Option<FileFormat>)]) -> String {
    match others.iter().filter_map(|(file, format)| Some((file.location.filename()?, format))).min_by_key(|file| file.0)
    {
        Some((name, Some(format))) => format!(" (found `{name}`, which is {format} and not read)"),
        Some((name, None)) => format!(" (found `{name}`, which is not read)"),
        None => String::new(),
    }
}

pub(crate) async fn read_metadata(
    store: &Arc<dyn ObjectStore>,
    file: &ObjectMeta,
) -> Result<(Arc<ParquetMetaData>, Schema), DataFusionError> {
    let metadata = match footer(store, file).await? {
        Some(metadata) => Arc::new(metadata),
        None => DFParquetMetadata::new(store.as_ref(), file).fetch_metadata().await?,
    };
    let file = metadata.file_metadata();
    let schema = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata())?;
    Ok((Arc::clone(&metadata), reading::coerced(schema, metadata.file_metadata().schema_descr())))
}

/// The metadata of a file, where its end holds all of them; with one read, and not trusting what it says of their length.
async fn footer(store: &Arc<dyn ObjectStore>, file: &ObjectMeta) -> Result<Option<ParquetMetaData>, DataFusionError> {
    if file.size < 12 {
        return Ok(None);
    }
    let from = file.size.saturating_sub(FOOTER_BYTES);
    let end = store.get_range(&file.location, from..file.size).await?;
    let Some((metadata, [length @ .., b'P', b'A', b'R', b'1'])) = end.split_last_chunk::<8>() else { return Ok(None) };
    let length = length.iter().rev().fold(0u64, |length, byte| length << 8 | u64::from(*byte));
    if length + 12 > file.size {
        let message = format!("its footer says to be {length} bytes long, and the file has {}", file.size);
        return Err(ParquetError::General(message).into());
    }
    let begins = usize::try_from(length).ok().and_then(|length| metadata.len().checked_sub(length));
    let Some(metadata) = begins.and_then(|begins| metadata.get(begins..)) else { return Ok(None) };
    Ok(Some(ParquetMetaDataReader::decode_metadata(metadata)?))
}
