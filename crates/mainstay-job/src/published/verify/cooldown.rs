//! No customer was treated on two of the days with less than the cooldown between them.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use mainstay_run::OpenProject;
use mainstay_schema::{Ds, table};
use mainstay_table::RunRecord;

use super::day::chosen;
use super::finding::Finding;
use crate::published::show::PublishedDay;

pub(super) async fn check(open: &OpenProject, records: &[RunRecord]) -> Result<Finding> {
    let session = mainstay_session::private(&open.session);
    let mut treated = Treated::default();
    for record in records {
        let day = PublishedDay { record: record.clone() };
        let cooldown_days = day.details()?.inputs.cooldown_days;
        day.register(open, &session, &table::campaign_allocations()).await?;
        for (customer, _) in chosen(&session).await? {
            treated.add(&customer, record.ds, cooldown_days)?;
        }
    }
    Finding::holds(format!("{} customers treated", treated.last.len()))
}

/// When each customer was treated last, in the order of the days.
#[derive(Debug, Default)]
struct Treated {
    last: BTreeMap<String, Ds>,
}

impl Treated {
    fn add(&mut self, customer: &str, ds: Ds, cooldown_days: u32) -> Result<()> {
        let Some(before) = self.last.insert(customer.to_owned(), ds) else { return Ok(()) };
        let days = ds.days_since(before);
        ensure!(
            i64::from(days) > i64::from(cooldown_days),
            "{customer} was treated on {before} and again on {ds}, {days} days later, within the cooldown of \
             {cooldown_days} days"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_treated_again_too_early_is_named() {
        let mut treated = Treated::default();
        let mut add = |ds: &str| treated.add("ada", ds.parse().unwrap(), 30);
        add("2025-08-01").unwrap();
        add("2025-09-01").unwrap();
        assert_eq!(
            add("2025-10-01").unwrap_err().to_string(),
            "ada was treated on 2025-09-01 and again on 2025-10-01, 30 days later, within the cooldown of 30 days"
        );
    }
}
