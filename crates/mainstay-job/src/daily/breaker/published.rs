//! What the published days before a run's say of themselves.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use mainstay_monitor::{Accepted, Before, Customers, Plan};
use mainstay_run::Run;
use mainstay_schema::{Digest, Ds};
use mainstay_table::{RunRecord, run_record};

use crate::details::{DailyDetails, KeptFile, QuarantinedRows};

/// Days back whose plans say what is usual.
const DAYS_OF_PLANS: i32 = 60;
/// Days back whose figures do.
const DAYS_OF_FIGURES: i32 = 14;

/// The published days before a run's, oldest first.
pub(super) struct Published {
    pub(super) days: Vec<Before>,
    /// What the newest of them read.
    pub(super) last: Option<LastDay>,
}

/// What the newest published day read.
pub(super) struct LastDay {
    pub(super) ds: Ds,
    /// Rows in the files of each table.
    files: Vec<(String, u64)>,
    /// Rows that broke their contract.
    refused: Vec<QuarantinedRows>,
    /// The variables that the SQL of the value reads.
    variables: BTreeMap<String, String>,
    /// The policy that decided.
    pub(super) policy: Digest,
    /// The text of it; runs of an earlier release kept none.
    pub(super) policy_file: Option<KeptFile>,
}

impl Published {
    pub(super) async fn before(run: &Run<'_>) -> Result<Self> {
        let is_before = |day: Ds| day < run.ds && run.ds.days_since(day) <= DAYS_OF_PLANS;
        let records = run_record::published_days(&run.open.lake, &run.series, is_before).await?;
        let (mut days, mut last) = (Vec::new(), None);
        for record in &records {
            let details = DailyDetails::of(record)
                .with_context(|| format!("cannot hold {} against the days before it", run.ds))?;
            let tables = details.inputs.sources.tables.iter().map(|table| (table.table.clone(), table.rows));
            last = Some(LastDay {
                ds: record.ds,
                files: tables.collect(),
                refused: details.quarantine.clone(),
                variables: details.inputs.value_variables.clone(),
                policy: details.inputs.policy,
                policy_file: details.inputs.policy_file.clone(),
            });
            days.push(day_of(record, details));
        }
        Ok(Self { days, last })
    }

    /// The days of the last two weeks; the newest one, where it is older.
    pub(super) fn recent(&self, ds: Ds) -> Vec<&Before> {
        let recent: Vec<&Before> = self.days.iter().filter(|day| ds.days_since(day.ds) <= DAYS_OF_FIGURES).collect();
        if recent.is_empty() { self.days.last().into_iter().collect() } else { recent }
    }

    /// What was or stood accepted on the newest day.
    pub(super) fn accepted(&self) -> Vec<Accepted> {
        let figures = self.days.last().and_then(|day| day.figures.as_ref());
        figures.map(|last| last.accepted.iter().chain(&last.standing).cloned().collect()).unwrap_or_default()
    }

    /// The rows that the newest day found in the files of a table.
    pub(super) fn rows_in_files(&self, table: &str) -> Option<(Ds, u64)> {
        let last = self.last.as_ref()?;
        last.files.iter().find(|(name, _)| name == table).map(|(_, rows)| (last.ds, *rows))
    }

    /// The rows of a table that were refused as of the newest day.
    pub(super) fn refused_rows(&self, table: &str) -> u64 {
        self.last.as_ref().map_or(0, |last| refused_rows(&last.refused, table))
    }

    /// The variables that have another value than on the newest day, and what they were.
    pub(super) fn changed_variables(&self, now: &BTreeMap<String, String>) -> Vec<String> {
        let Some(last) = &self.last else { return Vec::new() };
        let changed = now.iter().filter_map(|(name, value)| {
            let before = last.variables.get(name).filter(|before| *before != value)?;
            Some(format!("{name} is {value} and was {before}"))
        });
        changed.collect()
    }

    /// The newest day.
    pub(super) fn last_day(&self) -> Option<Ds> {
        self.last.as_ref().map(|last| last.ds)
    }
}

/// The rows of a table that are refused, by whatever rule.
pub(super) fn refused_rows(quarantined: &[QuarantinedRows], table: &str) -> u64 {
    quarantined.iter().filter(|refused| refused.source == table).map(|refused| refused.rows).sum()
}

fn day_of(record: &RunRecord, details: DailyDetails) -> Before {
    let DailyDetails { model, population, allocation, monitoring, .. } = details;
    let can_treat = model.gates_in_the_way().is_empty();
    Before {
        ds: record.ds,
        customers: Customers { known: population.known, scored: population.scored },
        model: model.digest,
        plan: can_treat.then_some(Plan { treated: allocation.treated, spent: allocation.spent_cents }),
        figures: monitoring,
    }
}
