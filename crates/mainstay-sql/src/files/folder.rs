//! Where the files of a source table lie, and which of those that are there count.

use std::collections::HashMap;
use std::path::Path as FilePath;
use std::sync::Arc;

use datafusion::datasource::listing::ListingTableUrl;
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use mainstay_config::source::TableFormat;
use mainstay_config::{Source, SourceTable};
use mainstay_schema::FileFormat;
use mainstay_schema::file_format::HEAD_BYTES;
use mainstay_table::foreign;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use url::Url;

use crate::contract;
use crate::error::FeatureError;
use crate::files::file_names::{self, Role};

/// Where the files of a source table lie.
pub(crate) struct Folder<'a> {
    /// `source.table`.
    pub(crate) name: String,
    pub(crate) table: &'a SourceTable,
    pub(crate) store: Arc<dyn ObjectStore>,
    url: ListingTableUrl,
}

/// What lies there.
#[derive(Default)]
pub(crate) struct Contents {
    /// The files that count, in the order of their paths.
    pub(crate) files: Vec<DataFile>,
    /// Files that seem to be data and cannot be, each with why.
    pub(crate) bad: Vec<(ObjectMeta, FeatureError)>,
    /// Files that are none of the table's data, each with what it is where that shows. What writers leave beside data is not reported.
    pub(crate) others: Vec<(ObjectMeta, Option<FileFormat>)>,
    /// The version and the columns of a Delta table.
    pub(crate) delta: Option<(u64, Vec<String>)>,
}

/// A file of rows.
pub(crate) struct DataFile {
    pub(crate) meta: ObjectMeta,
    /// Values that all its rows share and that stand beside it.
    pub(crate) partition: Vec<(String, Option<String>)>,
}

impl<'a> Folder<'a> {
    /// A local path without a scheme is taken literally, wildcards included.
    ///
    /// Links and `..` are resolved, as object stores know none; where there is nothing to resolve, listing says that no
    /// file is there.
    pub(crate) fn locate(ctx: &SessionContext, source: &Source, table: &'a SourceTable) -> Result<Self, FeatureError> {
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
        Ok(Self { name, table, store, url })
    }

    /// The files that count, and what lies beside them.
    ///
    /// # Errors
    /// A folder of another table format, or of another than the project says; a Delta table that cannot be read as it stands.
    pub(crate) async fn contents(&self) -> Result<Contents, FeatureError> {
        let folder = self.url.prefix();
        let is_root = folder.as_ref().is_empty();
        let named = if is_root { None } else { self.file(folder).await? };
        // A mark of a folder has no bytes.
        if let Some(meta) = named.filter(|file| file.size > 0 || file.location.extension().is_some()) {
            if self.table.format == Some(TableFormat::Delta) {
                return Err(self.contract("it is a file and not the folder of a Delta table, as `format: delta` says"));
            }
            return Ok(Contents { files: vec![DataFile { meta, partition: Vec::new() }], ..Contents::default() });
        }
        let mut found = self.listed().await?;
        found.sort_by(|left, right| left.location.cmp(&right.location));
        let mut logs = found.iter().filter_map(|file| file_names::delta_folder(folder, &file.location));
        match (logs.next(), self.table.format) {
            (Some(at), _) if !at.is_empty() => Err(self.contract(&format!(
                "its folder holds a Delta table, `{at}`, among other files: give each table a folder of its own, and name it as the path"
            ))),
            (Some(_), Some(TableFormat::Parquet)) => Err(self.contract(
                "its folder is a Delta table (`_delta_log`), whose files hold rows that are no longer in it: leave `format: parquet` \
                 out, or say `format: delta`",
            )),
            (Some(_), _) => self.delta(found).await,
            (None, Some(TableFormat::Delta)) => Err(self.contract(
                "its folder has no `_delta_log`, which `format: delta` asks for: restore the log, or correct the path",
            )),
            (None, _) => self.parquet(found).await,
        }
    }

    /// The files of the newest version of a Delta table; others in its folder belong to other versions.
    async fn delta(&self, found: Vec<ObjectMeta>) -> Result<Contents, FeatureError> {
        let read = foreign::newest(Arc::clone(&self.store), self.url.get_url()).await;
        let table = read.map_err(|source| FeatureError::Delta { table: self.name.clone(), source })?;
        let mut found: HashMap<Path, ObjectMeta> =
            found.into_iter().map(|file| (file.location.clone(), file)).collect();
        let mut files = Vec::with_capacity(table.files.len());
        for file in table.files {
            let meta = match found.remove(&file.location) {
                Some(meta) => Some(meta),
                None => self.file(&file.location).await?,
            };
            let meta = meta.ok_or_else(|| {
                self.contract(&format!(
                    "`{}` is missing, though version {} of the Delta table has it: restore it",
                    self.shown(&file.location),
                    table.version
                ))
            })?;
            files.push(DataFile { meta, partition: file.partition.into_iter().collect() });
        }
        Ok(Contents { files, delta: Some((table.version, table.columns)), ..Contents::default() })
    }

    async fn parquet(&self, found: Vec<ObjectMeta>) -> Result<Contents, FeatureError> {
        let folder = self.url.prefix();
        let mut contents = Contents { bad: self.broken_links(), ..Contents::default() };
        for meta in found {
            if let Some(format) = file_names::foreign_format(folder, &meta.location) {
                return Err(self.contract(&format!(
                    "its folder is {format}, whose files hold rows that are no longer in it, and is not read: write its rows to a \
                     folder of Parquet files, or to a Delta table"
                )));
            }
            match file_names::role(folder, &meta.location, meta.size) {
                Role::Beside => {}
                Role::Data => contents.files.push(self.data_file(meta)),
                role @ (Role::Open | Role::Other) => match (role, self.format_of(&meta).await?) {
                    (Role::Open, Some(FileFormat::Parquet | FileFormat::EncryptedParquet)) => {
                        contents.files.push(self.data_file(meta));
                    }
                    (Role::Open, format) if meta.location.extension().is_some() => {
                        let found = format.map_or("of no format that is known".to_owned(), |format| format.to_string());
                        let error = self.unusable(
                            &meta,
                            format!("it is {found}: write it as Parquet, or move it out of the folder"),
                        );
                        contents.bad.push((meta, error));
                    }
                    (_, Some(FileFormat::Parquet)) => {
                        let message = "it is a Parquet file, and its name does not end as that of one: let it end in .parquet, .parq or \
                                       .pq if its rows count, or move it out of the folder";
                        let error = self.unusable(&meta, message.to_owned());
                        contents.bad.push((meta, error));
                    }
                    (_, format) => contents.others.push((meta, format)),
                },
            }
        }
        Ok(contents)
    }

    /// Links to files that are not there, named as data are: a listing leaves them out without a word.
    fn broken_links(&self) -> Vec<(ObjectMeta, FeatureError)> {
        let Ok(root) = self.url.get_url().to_file_path() else { return Vec::new() };
        let mut broken = Vec::new();
        let mut folders = vec![root];
        while let Some(entries) = folders.pop().map(std::fs::read_dir) {
            for entry in entries.into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(found) if found.is_dir() => folders.push(entry.path()),
                    Ok(found) if found.is_symlink() && std::fs::metadata(entry.path()).is_err() => {
                        broken.push(entry.path());
                    }
                    _ => {}
                }
            }
        }
        broken.sort();
        let bad = |path: std::path::PathBuf| {
            let location = Path::parse(path.to_string_lossy().trim_start_matches('/')).ok()?;
            let last_modified = Default::default();
            let meta = ObjectMeta { location, last_modified, size: 0, e_tag: None, version: None };
            let is_data = matches!(file_names::role(self.url.prefix(), &meta.location, 1), Role::Data);
            let message = "it is a link to a file that is not there: restore the file, or remove the link";
            let error = self.unusable(&meta, message.to_owned());
            is_data.then_some((meta, error))
        };
        broken.into_iter().filter_map(bad).collect()
    }

    fn data_file(&self, meta: ObjectMeta) -> DataFile {
        let partition = file_names::partition(self.url.prefix(), &meta.location);
        DataFile { meta, partition }
    }

    /// All files that lie there, those beside the data included.
    pub(crate) async fn listed(&self) -> Result<Vec<ObjectMeta>, FeatureError> {
        let listed = self.store.list(Some(self.url.prefix())).try_collect().await;
        listed.map_err(|error| self.storage(error))
    }

    /// A single file, where there is one.
    pub(crate) async fn file(&self, location: &Path) -> Result<Option<ObjectMeta>, FeatureError> {
        match self.store.head(location).await {
            Ok(file) => Ok(Some(file)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.storage(error)),
        }
    }

    /// What a file is by its first bytes.
    pub(crate) async fn format_of(&self, file: &ObjectMeta) -> Result<Option<FileFormat>, FeatureError> {
        let bytes = file.size.min(HEAD_BYTES as u64);
        if bytes == 0 {
            return Ok(Some(FileFormat::Empty));
        }
        let head = self.store.get_range(&file.location, 0..bytes).await.map_err(|error| self.storage(error))?;
        Ok(FileFormat::of(&head))
    }

    /// The last bytes of a file, so many or all.
    pub(crate) async fn tail(&self, file: &ObjectMeta, bytes: u64) -> Result<Vec<u8>, FeatureError> {
        let range = file.size.saturating_sub(bytes)..file.size;
        let tail = self.store.get_range(&file.location, range).await.map_err(|error| self.storage(error))?;
        Ok(tail.to_vec())
    }

    pub(crate) fn url_of(&self, location: &Path) -> Url {
        let mut url = self.url.get_url().clone();
        url.set_path("");
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(location.parts().map(|part| part.as_ref().to_owned()));
        }
        url
    }

    /// A file as a user writes it.
    pub(crate) fn shown(&self, location: &Path) -> String {
        shown(&self.url_of(location))
    }

    fn unusable(&self, file: &ObjectMeta, message: String) -> FeatureError {
        FeatureError::File { table: self.name.clone(), file: self.shown(&file.location), message }
    }

    fn contract(&self, message: &str) -> FeatureError {
        FeatureError::Contract { table: self.name.clone(), message: format!("`{}`: {message}", self.table.path) }
    }

    fn storage(&self, error: object_store::Error) -> FeatureError {
        FeatureError::Storage { table: self.name.clone(), path: self.table.path.clone(), source: error }
    }
}

/// A URL as a user writes it: a local file by its path.
pub(crate) fn shown(url: &Url) -> String {
    match url.to_file_path() {
        Ok(path) if url.scheme() == "file" => path.to_string_lossy().into_owned(),
        _ => url.to_string(),
    }
}
