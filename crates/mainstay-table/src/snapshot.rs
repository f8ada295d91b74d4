//! The Delta log of a table at one version: whether it exists, and which files are active.

use std::collections::HashMap;

use deltalake::kernel::transaction::CommitProperties;
use deltalake::logstore::{LogStoreRef, StorageConfig, logstore_with};
use deltalake::operations::create::CreateBuilder;
use deltalake::{DeltaTable, DeltaTableError};
use mainstay_schema::table::TableContract;
use mainstay_schema::{Ds, column};

use crate::arrow_types::delta_schema;
use crate::error::TableError;
use crate::lake::Lake;
use crate::origin::{self, Origin};

/// Run records pin versions for good, so the log is never trimmed.
const KEEP_LOG: (&str, &str) = ("delta.enableExpiredLogCleanup", "false");
const APPEND_ONLY: (&str, &str) = ("delta.appendOnly", "true");
/// Says to every reader of Delta that the rows were made from simulated data.
const SIMULATED: (&str, &str) = ("mainstay.simulated", "true");
/// A reader of the newest version reads a checkpoint and fewer than so many commits, however old the table is.
const CHECKPOINT_INTERVAL: (&str, &str) = ("delta.checkpointInterval", "10");

/// Whether rows may be removed from a table once they are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteMode {
    /// A day is replaced as a whole.
    Replaced,
    /// Rows are only ever added; Delta writers refuse to remove them.
    AppendOnly,
}

/// A file that belongs to the table at the version that was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ActiveFile {
    /// Path below the target.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) ds: Ds,
    /// Whether another tool has marked rows of it as deleted.
    pub(crate) has_deleted_rows: bool,
}

impl ActiveFile {
    /// The last part of its path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit_once('/').map_or(self.path.as_str(), |(_, name)| name)
    }

    /// Refuses a file of which some rows do not count: readers of whole files would bring them back.
    pub(crate) fn check_whole(&self) -> Result<(), TableError> {
        match self.has_deleted_rows {
            true => Err(TableError::DeletionVector { path: self.path.clone() }),
            false => Ok(()),
        }
    }
}

/// Loads a table at a version or the newest one; `None` where it does not exist.
pub(crate) async fn load(lake: &Lake, table: &str, version: Option<u64>) -> Result<Option<DeltaTable>, TableError> {
    let log = log_store(lake, table)?;
    // Asked first, since a kernel that finds no folder reports a failure, not an absence.
    if !log.is_delta_table_location().await.map_err(TableError::delta(table))? && version.is_none() {
        return Ok(None);
    }
    let mut delta = DeltaTable::new(log);
    let loaded = match version {
        None => delta.load().await,
        Some(version) => delta.load_version(version).await,
    };
    match (loaded, version) {
        (Ok(()), _) => Ok(Some(delta)),
        (Err(DeltaTableError::NotATable(_)), None) => Ok(None),
        (Err(error), None) => Err(TableError::delta(table)(error)),
        (Err(error), Some(version)) => Err(missing_version(lake, table, version, error).await?),
    }
}

/// Loads the newest version of a table, which is created empty where absent. Creators in a race all get the one table.
pub(crate) async fn load_or_create(
    lake: &Lake,
    contract: &TableContract,
    mode: WriteMode,
) -> Result<DeltaTable, TableError> {
    if let Some(found) = load(lake, &contract.name, None).await? {
        return Ok(found);
    }
    let is_simulated = origin::read(lake).await? == Some(Origin::Simulated);
    let properties = [
        Some(KEEP_LOG),
        Some(CHECKPOINT_INTERVAL),
        (mode == WriteMode::AppendOnly).then_some(APPEND_ONLY),
        is_simulated.then_some(SIMULATED),
    ];
    let warning = if is_simulated { "SIMULATED DATA. " } else { "" };
    let created = CreateBuilder::new()
        .with_log_store(log_store(lake, &contract.name)?)
        .with_table_name(&contract.name)
        .with_comment(format!("{warning}{}", contract.comment))
        .with_columns(delta_schema(contract)?.fields().cloned())
        .with_partition_columns([column::DS])
        // A key of ours is none that Delta knows.
        .with_raise_if_key_not_exists(!is_simulated)
        .with_configuration(properties.into_iter().flatten().map(|(key, value)| (key, Some(value))))
        .with_commit_properties(CommitProperties::default().with_max_retries(0))
        .await;
    match created {
        Ok(table) => Ok(table),
        Err(error) => load(lake, &contract.name, None).await?.ok_or_else(|| TableError::delta(&contract.name)(error)),
    }
}

/// The version that was loaded.
pub(crate) fn version(delta: &DeltaTable, table: &str) -> Result<u64, TableError> {
    delta.version().ok_or_else(|| TableError::delta(table)(DeltaTableError::NotInitialized))
}

/// The active files of the days that `wanted` accepts, sorted by path.
pub(crate) fn active_files(
    delta: &DeltaTable,
    table: &str,
    wanted: impl Fn(Ds) -> bool,
) -> Result<Vec<ActiveFile>, TableError> {
    let state = delta.snapshot().map_err(TableError::delta(table))?;
    let mut files = Vec::new();
    for view in state.log_data().iter() {
        let path = format!("{table}/{}", view.path());
        let ds = day(&path, &view.partition_values_map())?;
        if wanted(ds) {
            let has_deleted_rows = view.deletion_vector_descriptor().is_some();
            files.push(ActiveFile { path, bytes: view.size().unsigned_abs(), ds, has_deleted_rows });
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

/// The value of `ds` of an active file.
pub(crate) fn day(path: &str, partition: &HashMap<String, Option<String>>) -> Result<Ds, TableError> {
    let value = partition.get(column::DS).cloned().flatten().unwrap_or_default();
    value.parse().map_err(TableError::bad_record(path))
}

fn log_store(lake: &Lake, table: &str) -> Result<LogStoreRef, TableError> {
    logstore_with(lake.root_store().clone(), &lake.table_url(table)?, StorageConfig::default())
        .map_err(TableError::delta(table))
}

async fn missing_version(
    lake: &Lake,
    table: &str,
    version: u64,
    error: DeltaTableError,
) -> Result<TableError, TableError> {
    let newest = Box::pin(load(lake, table, None)).await?.and_then(|delta| delta.version());
    Ok(match newest {
        Some(newest) if version <= newest => TableError::delta(table)(error),
        newest => TableError::VersionMissing {
            table: table.to_owned(),
            version,
            newest: newest.map_or("none".to_owned(), |newest| newest.to_string()),
        },
    })
}
