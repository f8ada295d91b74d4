//! What a training holds, against the memory limit of the run.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryReservation};
use mainstay_config::TrainingJob;
use mainstay_run::Run;
use mainstay_schema::{AlgorithmKind, Ds};
use mainstay_train::{MemoryNeed, TrainingSetBuilder};

use crate::details::MemoryHeld;
use crate::training::cuts::CutPlan;

/// Bytes of a value before any was seen.
const MOST_VALUE_BYTES: f64 = 8.0;
/// How much more a value of another cut may take than one of the test cut.
const VALUE_BYTES_MARGIN: f64 = 1.1;

/// The rows of a training as a part of the memory limit: plans have what they leave.
pub(crate) struct TrainingMemory {
    job: String,
    share: f64,
    has_matrix: bool,
    limit_bytes: Option<u64>,
    need_bytes: u64,
    reservation: MemoryReservation,
}

impl TrainingMemory {
    pub(crate) fn of(run: &Run<'_>, job: &TrainingJob) -> Self {
        let runtime = run.open.session.runtime_env();
        let limit_bytes = match runtime.memory_pool.memory_limit() {
            MemoryLimit::Finite(bytes) => Some(bytes as u64),
            _ => None,
        };
        Self {
            job: job.name.clone(),
            share: job.sample_customers.unwrap_or(1.0),
            has_matrix: matches!(job.algorithm.kind, AlgorithmKind::Logistic | AlgorithmKind::Auto),
            limit_bytes,
            need_bytes: 0,
            reservation: MemoryConsumer::new("rows of a training").register(&runtime.memory_pool),
        }
    }

    pub(crate) fn is_limited(&self) -> bool {
        self.limit_bytes.is_some()
    }

    /// Refuses a test cut that cannot be held, whatever its values take.
    pub(crate) fn refuse_test_cut(&self, plan: &CutPlan, counted: &BTreeMap<Ds, usize>, features: usize) -> Result<()> {
        let all = self.need(plan, counted, features, MOST_VALUE_BYTES);
        let of_test_cut = MemoryNeed { training_rows: 0, fitted_rows: 0, largest_cut_rows: all.test_rows, ..all };
        match self.limit_bytes {
            Some(limit) if of_test_cut.bytes() > limit => self.refuse(&all, limit),
            _ => Ok(()),
        }
    }

    /// Refuses rows that cannot all be held, by what the values of the test cut take.
    pub(crate) fn refuse_all(
        &mut self,
        plan: &CutPlan,
        counted: &BTreeMap<Ds, usize>,
        features: usize,
        test: &TrainingSetBuilder,
    ) -> Result<()> {
        let Some(limit) = self.limit_bytes else { return Ok(()) };
        let test_rows = counted.get(&plan.test).copied().unwrap_or_default();
        let per_value = test.bytes() as f64 / (test_rows * features).max(1) as f64;
        let need = self.need(plan, counted, features, (VALUE_BYTES_MARGIN * per_value).min(MOST_VALUE_BYTES));
        self.need_bytes = need.bytes();
        if self.need_bytes > limit { self.refuse(&need, limit) } else { Ok(()) }
    }

    /// Reserves the bytes that rows take by now out of what plans may have.
    pub(crate) fn reserve(&mut self, bytes: usize) -> Result<()> {
        if self.reservation.try_resize(bytes).is_ok() {
            return Ok(());
        }
        bail!(
            "the rows of {} take {} MB by now, and plans hold the rest of the memory limit: raise --memory-limit-mb, or lower \
             `sample_customers` of {}",
            self.job,
            megabytes(bytes as u64),
            self.job
        )
    }

    /// What is held by now.
    pub(crate) fn bytes(&self) -> usize {
        self.reservation.size()
    }

    /// What the record says of it; `None` without a limit.
    pub(crate) fn figures(&self) -> Option<MemoryHeld> {
        let limit_bytes = self.limit_bytes?;
        Some(MemoryHeld { limit_bytes, need_bytes: self.need_bytes, rows_bytes: self.reservation.size() as u64 })
    }

    fn need(&self, plan: &CutPlan, counted: &BTreeMap<Ds, usize>, features: usize, value_bytes: f64) -> MemoryNeed {
        let rows = |cut: &Ds| counted.get(cut).copied().unwrap_or_default();
        let largest = counted.values().copied().max().unwrap_or_default();
        MemoryNeed {
            features,
            // Customers come and go: the largest cut names most of them.
            customers: largest + largest / 2,
            training_rows: plan.learnt().map(|cut| rows(&cut)).sum(),
            fitted_rows: plan.training.iter().map(rows).sum(),
            test_rows: rows(&plan.test),
            largest_cut_rows: largest,
            value_bytes,
            has_matrix: self.has_matrix,
        }
    }

    fn refuse(&self, need: &MemoryNeed, limit: u64) -> Result<()> {
        bail!("{}", refusal(&self.job, need, self.share, limit))
    }
}

fn refusal(job: &str, need: &MemoryNeed, share: f64, limit: u64) -> String {
    let fitting = need.share_within(limit).unwrap_or(1.0) * share;
    // Two digits, as the share of all customers that the job states.
    let digits = (1 - fitting.log10().floor() as i32).max(0) as usize;
    let scale = 10f64.powi(digits as i32);
    let fitting = (fitting * scale + 1e-9).floor() / scale;
    format!(
        "{job} needs about {} MB for {} rows of {} features, of which {} are the test cut, and the memory limit is {} MB: learn from a \
         draw of the customers with `sample_customers: {fitting}` in {job}, or raise --memory-limit-mb",
        megabytes(need.bytes()),
        need.training_rows + need.test_rows,
        need.features,
        need.test_rows,
        megabytes(limit)
    )
}

fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(customers: usize) -> MemoryNeed {
        MemoryNeed {
            features: 99,
            customers,
            training_rows: 13 * customers,
            fitted_rows: 8 * customers,
            test_rows: customers,
            largest_cut_rows: customers,
            value_bytes: 3.0,
            has_matrix: false,
        }
    }

    #[test]
    fn a_refusal_says_the_need_the_limit_and_what_would_fit() {
        let all = need(2_000_000);
        let message = refusal("train_churn", &all, 1.0, 4_096_000_000);
        let (before, after) = message.split_once("`sample_customers: ").unwrap();
        let expected = format!(
            "train_churn needs about {} MB for 28000000 rows of 99 features, of which 2000000 are the test cut, and the memory limit is \
             4096 MB: learn from a draw of the customers with ",
            all.bytes().div_ceil(1_000_000)
        );
        assert_eq!(before, expected);
        let (share, after) = after.split_once('`').unwrap();
        let share: f64 = share.parse().unwrap();
        assert!(need((share * 2e6) as usize).bytes() <= 4_096_000_000, "{share}");
        assert_eq!(after, " in train_churn, or raise --memory-limit-mb");
        // Of a draw that is still too large, the share of all customers.
        let smaller = refusal("train_churn", &need(1_000_000), 0.5, 4_096_000_000);
        assert!(smaller.contains(&format!("`sample_customers: {share}`")), "{smaller} {share}");
    }
}
