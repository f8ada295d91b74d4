//! How runs ended.

use mainstay_job::Outcome;
use mainstay_job::details::{DailyDetails, RunDetails};

use super::{origin, run, table};

/// One run.
pub(crate) fn text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::AlreadyDone(record) => {
            format!(
                "{}{} of {} is already done (run {}); --force runs it again\n",
                origin(record.simulated),
                record.job,
                record.ds,
                record.run_id
            )
        }
        Outcome::Published(record) => {
            let mut text = origin(record.simulated).to_owned();
            text += &format!("{} of {} is published (run {})\n", record.job, record.ds, record.run_id);
            match RunDetails::of(record) {
                Ok(RunDetails::Daily(details)) => {
                    text += &run::population(&details);
                    text += &run::money(&details);
                    text += &run::accepted(&details);
                    text += &format!(
                        "\nSee it with: mainstay show risk, mainstay show allocation, mainstay show run --date {}\n",
                        record.ds
                    );
                }
                Ok(RunDetails::Training(details)) => text += &run::training(&details.training),
                Ok(RunDetails::Failed) | Err(_) => {}
            }
            text
        }
    }
}

/// The runs of a range of days.
pub(crate) fn backfill(outcomes: &[Outcome]) -> String {
    let rows = outcomes.iter().map(|outcome| {
        let record = outcome.record();
        let how = match outcome {
            Outcome::Published(_) => "published",
            Outcome::AlreadyDone(_) => "already done",
        };
        let details = DailyDetails::of(record).ok();
        let figure = |value: fn(&DailyDetails) -> String| details.as_ref().map(value).unwrap_or_default();
        vec![
            record.ds.to_string(),
            how.to_owned(),
            figure(|details| details.population.scored.to_string()),
            figure(|details| details.allocation.treated.to_string()),
            figure(|details| details.allocation.spent_cents.to_string()),
            figure(|details| details.allocation.value_cents.to_string()),
        ]
    });
    let is_simulated = outcomes.iter().any(|outcome| outcome.record().simulated);
    let header = ["day", "outcome", "scored", "treated", "spent", "expected gain"];
    format!("{}{}", origin(is_simulated), table(&header, &[2, 3, 4, 5], rows))
}
