//! Checks published days against what their records claim, trusting neither the solver nor the files.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use arrow::array::{AsArray, StringArray};
use bytes::Bytes;
use datafusion::prelude::SessionContext;
use mainstay_ledger::Ledger;
use mainstay_schema::plan::{Certificate, Instance, Plan, Rule};
use mainstay_schema::table::{self, Column, ColumnType, TableContract};
use mainstay_schema::{Cents, Digest, Ds, RunId};
use mainstay_table::ledger_table::{self, LedgerHistory};
use mainstay_table::{PublishedTable, RunRecord, TableError, digest, read, run_record, stage};
use serde::Serialize;

use crate::approval;
use crate::contact_rules::{self, RulesInForce};
use crate::details::DailyDetails;
use crate::offers_file;
use crate::open_project::OpenProject;
use crate::own_plans::as_staged;
use crate::progress::Step;
use crate::question;
use crate::score;
use crate::show::{PublishedDay, ShowRequest, published};
use crate::target_owner;

/// What `mainstay verify` found.
#[derive(Debug, Clone, Serialize)]
pub struct VerifyReport {
    /// Whether every check of every day passed.
    pub verified: bool,
    /// The days, in order.
    pub days: Vec<VerifiedDay>,
}

/// The checks of one day.
#[derive(Debug, Clone, Serialize)]
pub struct VerifiedDay {
    /// The day.
    pub ds: Ds,
    /// The run that published it.
    pub run_id: RunId,
    /// Whether it was made from simulated data.
    pub simulated: bool,
    /// Each check with its result.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// Whether it holds.
    pub passed: bool,
    /// The figures, or what is wrong.
    pub detail: String,
}

impl Check {
    fn of(name: &'static str, result: Result<String>) -> Self {
        match result {
            Ok(detail) => Self { name, passed: true, detail },
            Err(error) => Self { name, passed: false, detail: format!("{error:#}") },
        }
    }
}

/// Verifies one published day of a job, or all of them.
pub async fn verify(open: &OpenProject, job: &str, ds: Option<Ds>) -> Result<VerifyReport> {
    let step = open.progress.start(Step::Verify);
    let records = match ds {
        Some(ds) => vec![published(open, &request(job, Some(ds))).await?.record],
        None => {
            run_record::published_days(&open.lake, &target_owner::series_of(&open.project.job(job)?), |_| true).await?
        }
    };
    if records.is_empty() {
        // The same message as for anything else that wants a published day.
        published(open, &request(job, None)).await?;
    }
    let ledger = ledger_table::history(&open.lake).await;
    let mut days = Vec::with_capacity(records.len());
    for (position, record) in records.iter().enumerate() {
        step.advance(position as u64, Some(records.len() as u64), "days");
        days.push(verify_day(open, record, &ledger).await?);
    }
    // Files that are not ours are told above; their content is not read.
    if let Some(newest) = days.last_mut().filter(|newest| newest.checks.iter().all(|check| check.passed)) {
        newest.checks.push(Check::of("cooldown between days", check_cooldown(open, &records).await));
    }
    let failed = days.iter().flat_map(|day| &day.checks).filter(|check| !check.passed).count();
    step.finish(format!("{} days, {failed} checks failed", days.len()));
    Ok(VerifyReport { verified: failed == 0, days })
}

fn request(job: &str, ds: Option<Ds>) -> ShowRequest {
    ShowRequest { job: job.to_owned(), ds, customer: None, top: 0 }
}

/// The ledger as it was read once for all days, or why it could not be.
type ReadLedger = Result<LedgerHistory, TableError>;

async fn verify_day(open: &OpenProject, record: &RunRecord, ledger: &ReadLedger) -> Result<VerifiedDay> {
    let day = Day { open, record, details: PublishedDay { record: record.clone() }.details()? };
    let mut checks = vec![Check::of("file digests", day.files().await)];
    // Tables whose bytes are not ours are not read: what they say would mean nothing.
    if checks.iter().all(|check| check.passed) {
        let session = SessionContext::new_with_state(open.session.state());
        checks.push(Check::of("canonical digests", day.canonical_digests().await));
        checks.push(Check::of("population", day.population().await));
        checks.push(Check::of("certificate", day.certificate(&session).await));
        day.register_decisions(&session).await?;
        let rules = RulesInForce::of(&day.details.inputs, &day.details.model);
        let blocks = contact_rules::check_blocks_follow(&session, &rules).await;
        checks.push(Check::of("rules of contact recomputed", blocks));
        let nobody_blocked = contact_rules::check_nobody_blocked_is_treated(&session).await;
        checks.push(Check::of("nobody contacted against a rule", nobody_blocked));
        let channels = contact_rules::check_channels_are_allowed(&session).await;
        checks.push(Check::of("only channels with consent", channels));
        let approved = approval::check(&open.registry, &day.details.model, day.details.allocation.treated).await;
        checks.push(Check::of("model approved", approved));
        checks.push(Check::of("budget", day.budget(ledger)));
    }
    Ok(VerifiedDay { ds: record.ds, run_id: record.run_id.clone(), simulated: record.simulated, checks })
}

/// A published day under examination.
struct Day<'a> {
    open: &'a OpenProject,
    record: &'a RunRecord,
    details: DailyDetails,
}

impl Day<'_> {
    fn tables(&self) -> Result<Vec<(TableContract, &PublishedTable)>> {
        let feature = |name: &String| Column::new(name, ColumnType::Double, "").nullable();
        let contracts = [
            table::quarantine(),
            table::customer_features(self.details.features.iter().map(feature).collect()),
            table::customer_risk(usize::from(self.details.reasons)),
            table::campaign_allocations(),
        ];
        let published = |contract: TableContract| {
            let table = self.record.table(&contract.name);
            let table = table.with_context(|| format!("the run record names no table {}", contract.name))?;
            Ok((contract, table))
        };
        contracts.into_iter().map(published).collect()
    }

    /// The files of the tables, and what else the record names by digest: the list of source files and the model.
    async fn files(&self) -> Result<String> {
        let mut count = 0;
        for table in &self.record.tables {
            stage::verify_files(&self.open.lake, &table.files).await?;
            count += table.files.len();
        }
        let sources = &self.details.inputs.sources;
        self.artefact(&sources.file, sources.digest).await?;
        self.open.registry.load_by_digest(&self.details.model.digest).await?;
        Ok(format!("{count} files, the list of source files, the model"))
    }

    /// A small file of the run, which must be the one that was written.
    async fn artefact(&self, path: &str, digest: Digest) -> Result<Bytes> {
        let content = self.open.lake.get(path).await?.with_context(|| format!("{path} is gone"))?;
        ensure!(Digest::of(&content) == digest, "{path} has another digest than its run record says");
        Ok(content)
    }

    async fn canonical_digests(&self) -> Result<String> {
        let Self { open, record, .. } = self;
        for (contract, table) in self.tables()? {
            let found = digest::canonical_digest(&open.session, &open.lake, &contract, record.ds, &table.files).await?;
            ensure!(
                found == table.digest,
                "{} of {} has digest {found}, its run record says {}",
                table.table,
                record.ds,
                table.digest
            );
        }
        Ok(format!("{} tables", self.record.tables.len()))
    }

    async fn population(&self) -> Result<String> {
        let contract = table::customer_risk(usize::from(self.details.reasons));
        let Some(risk) = self.record.table(&contract.name) else { bail!("there is no customer_risk") };
        let staged = as_staged(self.record.ds, risk);
        let frame = read::read_staged(&self.open.session, &self.open.lake, &contract, &staged).await?;
        let mut counted = score::population(frame).await?;
        counted.quarantined_rows = self.details.population.quarantined_rows;
        ensure!(
            counted == self.details.population,
            "counted {counted:?}, the run record says {:?}",
            self.details.population
        );
        ensure!(counted.is_reconciled(), "known is not scored + ineligible + refused: {counted:?}");
        Ok(format!(
            "{} known = {} scored + {} ineligible + {} refused",
            counted.known, counted.scored, counted.ineligible, counted.refused
        ))
    }

    /// The plan as it was published, against the offers and the certificate, by the verifier that shares no code with the solver.
    async fn certificate(&self, session: &SessionContext) -> Result<String> {
        let summary = &self.details.allocation;
        let offers = self.artefact(&summary.offers_file, summary.offers_digest).await?;
        let customers = u32::try_from(self.details.population.known).context("too many customers for a certificate")?;
        let decoded = offers_file::decode(offers, customers)?;
        let positions: BTreeMap<(&str, &str), u32> = decoded
            .customer_ids
            .iter()
            .zip(&decoded.interventions)
            .map(|(customer, intervention)| (customer.as_str(), intervention.as_str()))
            .zip(0u32..)
            .collect();
        let mut plan = Plan::default();
        for (customer, decision) in chosen(self.open, session, self.record).await? {
            let position = positions.get(&(customer.as_str(), decision.as_str()));
            let position =
                position.with_context(|| format!("{customer} was given {decision}, which was not among the offers"))?;
            plan.chosen.push(*position);
        }
        plan.chosen.sort_unstable();
        let certificate: &Certificate = &summary.certificate;
        let instance = Instance { offers: Arc::new(decoded.offers), rules: summary.allocation_rules.clone() };
        let budget = instance.rules.iter().find(|rule| rule.name == question::BUDGET);
        ensure!(
            budget == Some(&Rule::budget(summary.allowance_cents.0)),
            "the plan was not held to the allowance of the day, {}",
            summary.allowance_cents
        );
        let verified = mainstay_verifier::verify(&instance, &plan, certificate)?;
        Ok(format!(
            "value {} of at most {} (missed at most {}), cost {} of {}, {} rules kept",
            verified.value,
            verified.upper_bound,
            verified.gap,
            verified.cost,
            summary.allowance_cents,
            instance.rules.len()
        ))
    }

    /// Registers the tables that the rules of contact are checked in.
    async fn register_decisions(&self, session: &SessionContext) -> Result<()> {
        let day = PublishedDay { record: self.record.clone() };
        day.register(self.open, session, &table::campaign_allocations()).await?;
        day.register(self.open, session, &table::customer_risk(usize::from(self.details.reasons))).await
    }

    /// What the ledger holds for the day, and that it was within the budget when it was decided: a budget that was lowered later
    /// makes no earlier day wrong.
    fn budget(&self, ledger: &ReadLedger) -> Result<String> {
        let (summary, ds) = (&self.details.allocation, self.record.ds);
        let ledger = ledger.as_ref().map_err(|error| anyhow!("{error}"))?;
        let committed = Ledger::new(ledger.entries())?.commitment_of(&self.record.run_id).map(|entry| entry.amount);
        let committed = committed.unwrap_or_default();
        ensure!(
            committed == summary.spent_cents,
            "the plan of {ds} costs {}, the ledger has committed {committed}",
            summary.spent_cents
        );
        let before = self.committed_before(ledger)?;
        let total = Cents(before.0 + summary.spent_cents.0);
        ensure!(
            summary.spent_cents == Cents::ZERO || total <= summary.budget_cents,
            "with {before} committed before it, the plan of {ds} takes {} to {total}, above the budget of {}",
            summary.month,
            summary.budget_cents
        );
        Ok(format!("{total} of {} committed in {}", summary.budget_cents, summary.month))
    }

    /// What other days had committed at the version of the ledger that the day was decided on.
    fn committed_before(&self, ledger: &LedgerHistory) -> Result<Cents> {
        let Some(version) = self.details.inputs.ledger_version else { return Ok(Cents::ZERO) };
        let ledger = Ledger::new(ledger.at(version))?;
        let own = ledger.standing_commitment(self.record.ds).map(|entry| entry.amount);
        Ok(Cents(ledger.committed(self.details.allocation.month).0 - own.unwrap_or_default().0))
    }
}

/// Checks that no customer was treated on two of the days with less than the cooldown between them.
async fn check_cooldown(open: &OpenProject, records: &[RunRecord]) -> Result<String> {
    let session = SessionContext::new_with_state(open.session.state());
    let mut last_treated: BTreeMap<String, Ds> = BTreeMap::new();
    for record in records {
        let day = PublishedDay { record: record.clone() };
        let cooldown_days = day.details()?.inputs.cooldown_days;
        for (customer, _) in chosen(open, &session, record).await? {
            if let Some(before) = last_treated.insert(customer.clone(), record.ds) {
                let days = record.ds.days_since(before);
                ensure!(
                    i64::from(days) > i64::from(cooldown_days),
                    "{customer} was treated on {before} and again on {}, {days} days later, within the cooldown of \
                     {cooldown_days} days",
                    record.ds
                );
            }
        }
    }
    Ok(format!("{} customers treated", last_treated.len()))
}

/// Who was given which intervention on a published day.
async fn chosen(open: &OpenProject, session: &SessionContext, record: &RunRecord) -> Result<Vec<(String, String)>> {
    let day = PublishedDay { record: record.clone() };
    day.register(open, session, &table::campaign_allocations()).await?;
    let sql = "select customer_id, decision from campaign_allocations where decision_reason = 'chosen'";
    let mut chosen = Vec::new();
    for batch in session.sql(sql).await?.collect().await? {
        let (customers, decisions) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
        let names = |column: &StringArray| column.iter().flatten().map(str::to_owned).collect::<Vec<_>>();
        chosen.extend(names(customers).into_iter().zip(names(decisions)));
    }
    Ok(chosen)
}
