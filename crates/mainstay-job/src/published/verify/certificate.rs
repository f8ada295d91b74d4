//! The plan as it was published, against the offers and the certificate, by the verifier that shares no code with the solver.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use mainstay_schema::plan::{Certificate, Instance, Plan, Rule};

use super::day::{Day, chosen};
use super::finding::Finding;
use crate::daily::instance;

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    let summary = &day.details.allocation;
    let decoded = day.offers().await?;
    let positions: BTreeMap<(&str, &str), u32> = decoded
        .customer_ids
        .iter()
        .zip(&decoded.interventions)
        .map(|(customer, intervention)| (customer.as_str(), intervention.as_str()))
        .zip(0u32..)
        .collect();
    let plan = plan(&chosen(&day.session).await?, &positions)?;
    let instance = Instance { offers: Arc::clone(&decoded.offers), rules: summary.allocation_rules.clone() };
    let budget = instance.rules.iter().find(|rule| rule.name == instance::BUDGET);
    ensure!(
        budget == Some(&Rule::budget(summary.allowance_cents.0)),
        "the plan was not held to the allowance of the day, {}",
        summary.allowance_cents
    );
    let verified = mainstay_verifier::verify(&instance, &plan, &summary.certificate)?;
    check_file(day).await?;
    Finding::holds(format!(
        "value {} of at most {} (missed at most {}), cost {} of {}, {} rules kept",
        verified.value,
        verified.upper_bound,
        verified.gap,
        verified.cost,
        summary.allowance_cents,
        instance.rules.len()
    ))
}

/// The positions of what was chosen.
fn plan(chosen: &[(String, String)], positions: &BTreeMap<(&str, &str), u32>) -> Result<Plan> {
    let mut plan = Plan::default();
    for (customer, decision) in chosen {
        let position = positions.get(&(customer.as_str(), decision.as_str()));
        let position =
            position.with_context(|| format!("{customer} was given {decision}, which was not among the offers"))?;
        plan.chosen.push(*position);
    }
    plan.chosen.sort_unstable();
    Ok(plan)
}

/// The certificate beside the offers, for whoever checks the plan without us, is that of the record.
async fn check_file(day: &Day<'_>) -> Result<()> {
    let folder = day.details.allocation.offers_file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = format!("{folder}/certificate.json");
    let content = day.open.lake.get(&path).await?.with_context(|| format!("{path} is gone"))?;
    is_recorded(&path, &content, &day.details.allocation.certificate)
}

fn is_recorded(path: &str, content: &[u8], recorded: &Certificate) -> Result<()> {
    let found: Certificate = serde_json::from_slice(content).with_context(|| format!("{path} is no certificate"))?;
    ensure!(found == *recorded, "{path} is not the certificate of the run record");
    Ok(())
}

#[cfg(test)]
mod tests {
    use mainstay_schema::Cents;

    use super::super::day::tests::summary;
    use super::*;

    #[test]
    fn what_was_not_offered_cannot_be_chosen() {
        let positions = BTreeMap::from([(("ada", "call"), 0), (("bob", "email"), 1)]);
        let chosen = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(customer, decision)| ((*customer).to_owned(), (*decision).to_owned())).collect()
        };
        let both = plan(&chosen(&[("bob", "email"), ("ada", "call")]), &positions).unwrap();
        assert_eq!(both.chosen, [0, 1]);
        assert_eq!(
            plan(&chosen(&[("bob", "call")]), &positions).unwrap_err().to_string(),
            "bob was given call, which was not among the offers"
        );
    }

    #[test]
    fn the_file_is_the_certificate_of_the_record() {
        let certificate = summary().certificate;
        let json = |certificate: &Certificate| serde_json::to_vec(certificate).unwrap();
        is_recorded("c.json", &json(&certificate), &certificate).unwrap();
        let other = Certificate { plan_value: Cents(9), ..certificate.clone() };
        let error = |content: &[u8]| is_recorded("c.json", content, &certificate).unwrap_err().to_string();
        assert_eq!(error(&json(&other)), "c.json is not the certificate of the run record");
        assert_eq!(error(b"{}"), "c.json is no certificate");
    }
}
