//! `offers.parquet` holds what follows from the risk table and the policy: none less, none more, each of its value and cost.

use anyhow::Result;
use mainstay_config::Policy;
use mainstay_schema::plan::Offers;

use super::customers::{Customer, Made};
use super::day::Day;
use super::finding::{Finding, Wrong};
use super::policy_at_hand::PolicyAtHand;
use crate::daily::offers_file::DecodedOffers;

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    match day.policy().await? {
        PolicyAtHand::Unknown(why) => Finding::not_checked(why),
        PolicyAtHand::Known(policy) => hold(day.customers().await?, policy, day.offers().await?),
    }
}

fn hold(customers: &[Customer], policy: &Policy, decoded: &DecodedOffers) -> Result<Finding> {
    let mut wrong = Wrong::default();
    for (position, customer) in customers.iter().enumerate() {
        wrong.note(hold_one(position, customer, policy, decoded));
    }
    wrong.refuse()?;
    let offers = decoded.offers.len();
    Finding::holds(format!("{offers} offers follow from the risk of {} customers and the policy", customers.len()))
}

fn hold_one(position: usize, customer: &Customer, policy: &Policy, decoded: &DecodedOffers) -> Result<(), String> {
    let id = &customer.id;
    let DecodedOffers { offers, customer_ids, interventions } = decoded;
    let name = |kind: u16| policy.interventions.get(usize::from(kind)).map_or("", |intervention| &intervention.name);
    let expected = customer.offers(policy);
    for at in offers.of(position) {
        let (named, given) = (customer_ids.get(at).map_or("", String::as_str), offers.get(at).map(|offer| offer.kind));
        if named != id {
            return Err(format!("offers.parquet has {named} in the place of {id}"));
        }
        let called = interventions.get(at).map_or("", String::as_str);
        let known = given.map_or("", name);
        if called != known {
            return Err(format!("offers.parquet calls `{called}` what is `{known}` in the policy"));
        }
    }
    let found: Vec<(u16, i64, i64)> = given(offers, position).collect();
    if let Some(left_out) = expected.iter().find(|made| found.iter().all(|(kind, ..)| *kind != made.kind)) {
        return Err(format!("offers.parquet leaves out {} for {id}, worth {}", name(left_out.kind), left_out.value));
    }
    if let Some((kind, ..)) = found.iter().find(|(kind, ..)| expected.iter().all(|made| made.kind != *kind)) {
        return Err(format!("offers.parquet has {} for {id}, which risk and policy do not make", name(*kind)));
    }
    let rest = expected.iter().zip(&found);
    for (Made { kind, value, cost, .. }, (found_kind, found_value, found_cost)) in rest {
        if kind != found_kind || expected.len() != found.len() {
            return Err(format!("the offers for {id} are not in the order of the catalogue, each once"));
        }
        if value.0 != *found_value {
            let found = mainstay_schema::Cents(*found_value);
            return Err(format!(
                "{} for {id} is worth {value} by risk, lifetime value and policy, {found} in offers.parquet",
                name(*kind)
            ));
        }
        if cost.0 != *found_cost {
            let found = mainstay_schema::Cents(*found_cost);
            return Err(format!("{} for {id} costs {cost} by the policy, {found} in offers.parquet", name(*kind)));
        }
    }
    let (segment, found) = (customer.segment(policy), offers.segments().get(position).copied().unwrap_or_default());
    if !expected.is_empty() && segment != found {
        return Err(format!("{id} is of segment {segment} by risk and lifetime value, of {found} in offers.parquet"));
    }
    Ok(())
}

/// Kind, value and cost of each offer of a customer.
fn given(offers: &Offers, position: usize) -> impl Iterator<Item = (u16, i64, i64)> {
    offers.of(position).filter_map(|at| offers.get(at)).map(|offer| (offer.kind, offer.value.0, offer.cost.0))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mainstay_schema::plan::Offer;
    use mainstay_schema::{Cents, Digest};

    use super::super::customers::tests::{customer, reference_policy};
    use super::*;

    const NAMES: [&str; 3] = ["personal_call", "discount_email", "reminder_email"];

    /// Two customers; the first has offers of 10.00, 20.00 and 7.00, the second a reminder alone.
    fn customers() -> Vec<Customer> {
        vec![customer("ada", 0.5, 30_000), customer("bob", 0.5, 8_000)]
    }

    /// Offers as (customer, kind, value, cost).
    type Rows = Vec<(&'static str, u16, i64, i64)>;

    fn rows() -> Rows {
        vec![("ada", 0, 1_000, 5_000), ("ada", 1, 2_000, 1_000), ("ada", 2, 700, 50), ("bob", 2, 150, 50)]
    }

    fn decoded(rows: &Rows, segments: [u16; 2]) -> DecodedOffers {
        let mut offers = Offers::new(Digest::of(b"labels"));
        for (first, segment) in [true, false].into_iter().zip(segments) {
            let own = rows.iter().enumerate().filter(|(at, _)| (*at < rows.len() - 1) == first);
            let offer = |(_, &(_, kind, value, cost)): (usize, &(&str, u16, i64, i64))| Offer {
                kind,
                value: Cents(value),
                cost: Cents(cost),
            };
            offers.push_customer(segment, own.map(offer));
        }
        DecodedOffers {
            offers: Arc::new(offers),
            customer_ids: rows.iter().map(|(id, ..)| (*id).to_owned()).collect(),
            interventions: rows.iter().map(|(_, kind, ..)| NAMES[usize::from(*kind)].to_owned()).collect(),
        }
    }

    fn refused(change: impl FnOnce(&mut Rows)) -> String {
        let mut rows = rows();
        change(&mut rows);
        hold(&customers(), &reference_policy(), &decoded(&rows, [4, 5])).unwrap_err().to_string()
    }

    #[test]
    fn offers_that_follow_pass() {
        let found = hold(&customers(), &reference_policy(), &decoded(&rows(), [4, 5])).unwrap();
        assert_eq!(found, Finding::Holds("4 offers follow from the risk of 2 customers and the policy".into()));
    }

    #[test]
    fn each_way_to_be_wrong_is_told() {
        assert_eq!(
            refused(|rows| rows[1].2 = 2_001),
            "discount_email for ada is worth 20.00 by risk, lifetime value and policy, 20.01 in offers.parquet"
        );
        assert_eq!(
            refused(|rows| rows[1].3 = 999),
            "discount_email for ada costs 10.00 by the policy, 9.99 in offers.parquet"
        );
        assert_eq!(
            refused(|rows| rows.retain(|row| row.1 != 0)),
            "offers.parquet leaves out personal_call for ada, worth 10.00"
        );
        assert_eq!(
            refused(|rows| rows[3] = ("bob", 1, 1, 1)),
            "offers.parquet leaves out reminder_email for bob, worth 1.50"
        );
        assert_eq!(
            refused(|rows| rows.insert(3, ("ada", 2, 700, 50))),
            "the offers for ada are not in the order of the catalogue, each once"
        );
        assert_eq!(refused(|rows| rows[3].0 = "eve"), "offers.parquet has eve in the place of bob");
        let mut renamed = decoded(&rows(), [4, 5]);
        renamed.interventions[3] = "discount_email".into();
        assert_eq!(
            hold(&customers(), &reference_policy(), &renamed).unwrap_err().to_string(),
            "offers.parquet calls `discount_email` what is `reminder_email` in the policy"
        );
        assert_eq!(
            hold(&customers(), &reference_policy(), &decoded(&rows(), [4, 4])).unwrap_err().to_string(),
            "bob is of segment 5 by risk and lifetime value, of 4 in offers.parquet"
        );
    }

    #[test]
    fn an_offer_to_whoever_may_have_none_is_found() {
        let mut customers = customers();
        customers[1].blocked_by.0 = 2;
        let error = hold(&customers, &reference_policy(), &decoded(&rows(), [4, 5])).unwrap_err().to_string();
        assert_eq!(error, "offers.parquet has reminder_email for bob, which risk and policy do not make");
    }
}
