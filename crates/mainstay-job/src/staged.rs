//! A table of the day on its way from the stage to Delta.

use anyhow::Result;
use datafusion::common::runtime::SpawnedTask;
use mainstay_schema::Digest;
use mainstay_schema::table::TableContract;
use mainstay_table::{StagedTable, TableError};

use crate::open_project::OpenProject;

/// A staged table whose digest is worked out while the run goes on.
pub(crate) struct Staged {
    pub(crate) contract: TableContract,
    pub(crate) table: StagedTable,
    digest: SpawnedTask<Result<Digest, TableError>>,
}

/// A staged table with its digest: no two of its rows have one key.
pub(crate) struct DigestedTable {
    pub(crate) contract: TableContract,
    pub(crate) table: StagedTable,
    pub(crate) digest: Digest,
}

impl Staged {
    /// Begins to work the digest out.
    pub(crate) fn new(open: &OpenProject, contract: TableContract, table: StagedTable) -> Self {
        let (session, lake) = (open.session.clone(), open.lake.clone());
        let (asked, of) = (contract.clone(), table.clone());
        let digest = SpawnedTask::spawn(async move { of.digest(&session, &lake, &asked).await });
        Self { contract, table, digest }
    }

    /// Waits for the digest. Two rows with one key are an error.
    pub(crate) async fn digested(self) -> Result<DigestedTable> {
        let Self { contract, table, digest } = self;
        Ok(DigestedTable { contract, table, digest: digest.join().await?? })
    }
}
