//! A table of the day on its way from the stage to Delta.

use anyhow::{Context, Result};
use datafusion::common::runtime::SpawnedTask;
use datafusion::execution::memory_pool::MemoryLimit;
use datafusion::prelude::{DataFrame, SessionContext};
use futures::FutureExt;
use futures::future::{self, BoxFuture};
use mainstay_schema::Digest;
use mainstay_schema::table::TableContract;
use mainstay_table::{Lake, StagedTable, read};

use crate::fault;
use crate::open_project::OpenProject;

/// A staged table whose digest is worked out while the run goes on.
pub struct Staged {
    /// Its columns and key.
    pub contract: TableContract,
    /// Its files.
    pub table: StagedTable,
    digest: BoxFuture<'static, Result<Digest>>,
}

/// A staged table with its digest: its rows have keys as its contract asks for.
pub struct DigestedTable {
    /// Its columns and key.
    pub contract: TableContract,
    /// Its files.
    pub table: StagedTable,
    /// The canonical digest of its rows.
    pub digest: Digest,
}

impl From<DigestedTable> for Staged {
    fn from(DigestedTable { contract, table, digest }: DigestedTable) -> Self {
        Self { contract, table, digest: future::ready(Ok(digest)).boxed() }
    }
}

impl Staged {
    /// Begins to work the digest out. Where memory is limited it is waited for: its sort and what follows could not both have all that
    /// is left.
    pub(crate) async fn new(open: &OpenProject, contract: TableContract, table: StagedTable) -> Result<Self> {
        let (session, lake) = (open.session.clone(), open.lake.clone());
        let is_limited = matches!(session.runtime_env().memory_pool.memory_limit(), MemoryLimit::Finite(_));
        let (asked, of) = (contract.clone(), table.clone());
        let running = SpawnedTask::spawn(async move {
            fault::boundary("digest");
            of.digest(&session, &lake, &asked).await
        });
        let name = contract.name.clone();
        let digest = async move {
            let joined = running.join().await;
            Ok(joined.with_context(|| format!("cannot work out the digest of {name}"))??)
        };
        let digest = if is_limited { future::ready(Ok(digest.await?)).boxed() } else { digest.boxed() };
        Ok(Self { contract, table, digest })
    }

    /// The rows, with `ds` first, in a session of the caller's.
    pub async fn read(&self, session: &SessionContext, lake: &Lake) -> Result<DataFrame> {
        Ok(read::read_staged(session, lake, &self.contract, &self.table).await?)
    }

    /// Waits for the digest. Keys that break the contract are an error.
    pub async fn digested(self) -> Result<DigestedTable> {
        let Self { contract, table, digest } = self;
        Ok(DigestedTable { contract, table, digest: digest.await? })
    }
}
