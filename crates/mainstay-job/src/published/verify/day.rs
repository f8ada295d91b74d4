//! A published day under examination, and what several checks read of it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use arrow::array::{AsArray, StringArray};
use bytes::Bytes;
use datafusion::prelude::SessionContext;
use mainstay_config::DailyJob;
use mainstay_run::OpenProject;
use mainstay_schema::Digest;
use mainstay_schema::table::{self, Column, ColumnType, DayShape, TableContract};
use mainstay_sql::SqlProject;
use mainstay_table::ledger_table::LedgerHistory;
use mainstay_table::published_day::TableNow;
use mainstay_table::{PublishedTable, RunRecord, TableError};
use tokio::sync::{Mutex, OnceCell};

use super::customers::{self, Customer};
use super::policy_at_hand::{self, PolicyAtHand};
use super::project;
use super::sources::{self, SourcesAtHand};
use crate::daily::offers_file::{self, DecodedOffers};
use crate::details::DailyDetails;
use crate::published::show::PublishedDay;

/// What is read once for all days.
pub(super) struct Shared {
    /// The ledger, or why it cannot be read.
    pub(super) ledger: Result<LedgerHistory, TableError>,
    sql: OnceCell<Result<SqlProject, String>>,
    tables: Mutex<BTreeMap<String, TableNow>>,
}

/// A published day under examination.
pub(super) struct Day<'a> {
    pub(super) open: &'a OpenProject,
    pub(super) shared: &'a Shared,
    pub(super) record: &'a RunRecord,
    pub(super) details: DailyDetails,
    /// Has the published tables of the day, once they are registered.
    pub(super) session: SessionContext,
    customers: OnceCell<Vec<Customer>>,
    offers: OnceCell<DecodedOffers>,
    policy: OnceCell<PolicyAtHand>,
    sources: OnceCell<Result<SourcesAtHand, String>>,
}

impl Shared {
    pub(super) fn new(ledger: Result<LedgerHistory, TableError>) -> Self {
        Self { ledger, sql: OnceCell::new(), tables: Mutex::default() }
    }

    /// A table as it stands.
    pub(super) async fn table_now(&self, open: &OpenProject, table: &str) -> Result<TableNow, TableError> {
        let mut tables = self.tables.lock().await;
        if let Some(now) = tables.get(table) {
            return Ok(now.clone());
        }
        let now = TableNow::load(&open.lake, table).await?;
        tables.insert(table.to_owned(), now.clone());
        Ok(now)
    }

    /// The SQL of the project as it is now, or why it cannot be used.
    pub(super) async fn sql(&self, open: &OpenProject) -> Result<&SqlProject, String> {
        let load = async || {
            let loaded = SqlProject::load(&open.session, &open.project).await;
            loaded.map_err(|error| format!("the SQL of the project cannot be used: {:#}", anyhow::Error::new(error)))
        };
        self.sql.get_or_init(load).await.as_ref().map_err(Clone::clone)
    }
}

impl<'a> Day<'a> {
    pub(super) fn new(open: &'a OpenProject, shared: &'a Shared, record: &'a RunRecord) -> Result<Self> {
        Ok(Self {
            open,
            shared,
            record,
            details: DailyDetails::of(record)?,
            session: mainstay_session::private(&open.session),
            customers: OnceCell::new(),
            offers: OnceCell::new(),
            policy: OnceCell::new(),
            sources: OnceCell::new(),
        })
    }

    /// The daily job of the project, whatever it was called when the day was made.
    pub(super) fn daily_job(&self) -> Result<DailyJob> {
        project::daily_job(self.open)
    }

    /// The tables of the day with their contracts.
    pub(super) fn tables(&self) -> Result<Vec<(TableContract, &PublishedTable)>> {
        let feature = |name: &String| Column::new(name, ColumnType::Double, "").nullable();
        let features = self.details.features.iter().map(feature).collect();
        let shape = DayShape { features, reasons: usize::from(self.details.reasons) };
        named(self.record, &shape, table::PublishedTable::of_day())
    }

    /// Registers the tables of the day under their names.
    pub(super) async fn register(&self) -> Result<()> {
        let day = PublishedDay { record: self.record.clone() };
        for (contract, _) in self.tables()? {
            day.register(self.open, &self.session, &contract).await?;
        }
        Ok(())
    }

    /// A small file of the run, which must be the one that was written.
    pub(super) async fn artefact(&self, path: &str, digest: Digest) -> Result<Bytes> {
        project::artefact(self.open, path, digest).await
    }

    /// The customers of the risk table, sorted by id.
    pub(super) async fn customers(&self) -> Result<&[Customer]> {
        Ok(self.customers.get_or_try_init(|| customers::read(&self.session)).await?)
    }

    /// The offers that the plan was made from.
    pub(super) async fn offers(&self) -> Result<&DecodedOffers> {
        let read = async || {
            let summary = &self.details.allocation;
            let file = self.artefact(&summary.offers_file, summary.offers_digest).await?;
            let known = u32::try_from(self.details.population.known).context("too many customers for a certificate")?;
            offers_file::decode(file, known)
        };
        self.offers.get_or_try_init(read).await
    }

    /// The policy of the run, where it is at hand.
    pub(super) async fn policy(&self) -> Result<&PolicyAtHand> {
        self.policy.get_or_try_init(|| policy_at_hand::find(self.open, &self.details.inputs)).await
    }

    /// The source files as the run has read them, or why they are not at hand.
    pub(super) async fn sources(&self) -> Result<Result<&SourcesAtHand, &str>> {
        let find = async || {
            let sql = self.shared.sql(self.open).await;
            sources::find(self.open, self.record.as_of, &self.details.inputs, sql).await
        };
        let sources = self.sources.get_or_try_init(find).await?;
        Ok(sources.as_ref().map_err(String::as_str))
    }
}

/// The tables of a day that its record must name, with their contracts, and those that came later where it does.
fn named<'r, 't>(
    record: &'r RunRecord,
    shape: &DayShape,
    declared: impl Iterator<Item = &'t table::PublishedTable>,
) -> Result<Vec<(TableContract, &'r PublishedTable)>> {
    let mut tables = Vec::new();
    for declared in declared {
        let contract = (declared.contract)(shape);
        match record.table(&contract.name) {
            Some(table) => tables.push((contract, table)),
            None if declared.is_in_every_day => bail!("the run record names no table {}", contract.name),
            None => {}
        }
    }
    Ok(tables)
}

/// Who was given which intervention; reads `campaign_allocations` of a session.
pub(super) async fn chosen(session: &SessionContext) -> Result<Vec<(String, String)>> {
    let sql = "select customer_id, decision from campaign_allocations where decision_reason = 'chosen'";
    let mut chosen = Vec::new();
    for batch in session.sql(sql).await?.collect().await? {
        let (customers, decisions) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
        let names = |column: &StringArray| column.iter().flatten().map(str::to_owned).collect::<Vec<_>>();
        chosen.extend(names(customers).into_iter().zip(names(decisions)));
    }
    Ok(chosen)
}

#[cfg(test)]
pub(super) mod tests {
    use mainstay_config::settings::ConsentDefault;
    use mainstay_schema::Cents;
    use mainstay_schema::plan::Certificate;

    use crate::details::{AllocationSummary, PinnedHoldout, PinnedInputs, SourcesPin};

    use super::*;

    /// What a day of 2025-08 on record says of its inputs.
    pub(in crate::published::verify) fn inputs() -> PinnedInputs {
        let nothing = Digest::of(b"");
        serde_json::from_value(serde_json::json!({
            "sources": SourcesPin { file: "sources.json".into(), digest: nothing, tables: Vec::new() },
            "freshness": [],
            "sql": nothing,
            "policy": nothing,
            "ledger_version": null,
            "cooldown_days": 30,
            "plans": [],
            "consent_purpose": "marketing",
            "consent_default": ConsentDefault::Allow,
            "suppress_open_cases": true,
            "holdout": PinnedHoldout { salt: "retention-2025Q3".into(), share: 0.05 },
        }))
        .unwrap()
    }

    /// What it says of its plan.
    pub(in crate::published::verify) fn summary() -> AllocationSummary {
        let nothing = Digest::of(b"");
        let certificate = Certificate {
            version: 2,
            instance: nothing,
            plan: nothing,
            plan_cost: Cents::ZERO,
            plan_value: Cents::ZERO,
            upper_bound: Cents::ZERO,
            denominator: 1,
            rules: Vec::new(),
        };
        serde_json::from_value(serde_json::json!({
            "month": "2025-08",
            "budget_cents": 5_000_000,
            "available_cents": 5_000_000,
            "allowance_cents": 0,
            "spent_cents": 0,
            "value_cents": 0,
            "treated": 0,
            "price_of_budget": 0.0,
            "certificate": certificate,
            "gap": 0.0,
            "offers_file": "offers.parquet",
            "offers_digest": nothing,
            "reservation": "r/planned",
        }))
        .unwrap()
    }

    #[test]
    fn a_table_that_came_later_is_asked_of_days_that_have_it() {
        let record = include_str!("../../details/records/daily-now.json");
        let record: RunRecord = serde_json::from_str(record).unwrap();
        let shape = DayShape::default();
        let names = |tables: &[table::PublishedTable]| {
            let named = named(&record, &shape, tables.iter()).map_err(|error| error.to_string())?;
            Ok::<_, String>(named.into_iter().map(|(contract, _)| contract.name).collect::<Vec<_>>())
        };
        let risk = table::PublishedTable {
            contract: |day| table::customer_risk(day.reasons),
            written: table::Written::ByCustomer,
            is_in_every_day: true,
            verified_by: &[],
        };
        let offers = |_: &DayShape| TableContract { name: "offers".into(), ..table::quarantine() };
        let later = table::PublishedTable { contract: offers, is_in_every_day: false, ..risk };
        assert_eq!(names(&[risk, later]).unwrap(), ["customer_risk"]);
        let always = table::PublishedTable { is_in_every_day: true, ..later };
        assert_eq!(names(&[risk, always]).unwrap_err(), "the run record names no table offers");
    }
}
