//! How the customers of the published tables split up.

use anyhow::{Context, Result, ensure};
use mainstay_schema::table;

use super::day::Day;
use super::finding::Finding;
use crate::daily::score;
use crate::details::Population;
use crate::inputs::quarantine::refused_and_new;

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    let mut counted = score::population(day.session.table("customer_risk").await?).await?;
    let quarantine = day.record.table(&table::quarantine().name).context("there is no quarantine")?;
    counted.quarantined_rows = match &day.details.quarantine_file {
        Some(kept) => {
            let (refused, new) = refused_and_new(day.artefact(&kept.file, kept.digest).await?, day.record.ds)?;
            ensure!(
                new == quarantine.rows,
                "{new} rows are refused for the first time, but {} stand in the quarantine",
                quarantine.rows
            );
            refused
        }
        None => quarantine.rows,
    };
    hold(&counted, &day.details.population)
}

fn hold(counted: &Population, recorded: &Population) -> Result<Finding> {
    ensure!(counted == recorded, "counted {counted:?}, the run record says {recorded:?}");
    ensure!(counted.is_reconciled(), "known is not scored + ineligible + refused: {counted:?}");
    Finding::holds(format!(
        "{} known = {} scored + {} ineligible + {} refused",
        counted.known, counted.scored, counted.ineligible, counted.refused
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTED: Population = Population { known: 6, scored: 3, ineligible: 2, refused: 1, quarantined_rows: 4 };

    #[test]
    fn what_was_counted_is_what_the_record_says() {
        assert_eq!(
            hold(&COUNTED, &COUNTED).unwrap(),
            Finding::Holds("6 known = 3 scored + 2 ineligible + 1 refused".into())
        );
        let error = hold(&COUNTED, &Population { quarantined_rows: 5, ..COUNTED }).unwrap_err().to_string();
        assert!(error.starts_with("counted Population { known: 6") && error.contains("the run record says"), "{error}");
        let lost = Population { known: 7, ..COUNTED };
        let error = hold(&lost, &lost).unwrap_err().to_string();
        assert!(error.starts_with("known is not scored + ineligible + refused"), "{error}");
    }
}
