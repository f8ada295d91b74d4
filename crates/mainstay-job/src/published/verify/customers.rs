//! What the risk table says of the customers, and what follows from it and the policy: who could be offered what.
//!
//! Worked out here anew; of the job's own way from risk to offers it shares the rounding of money and the policy's own words.

use anyhow::{Context, Result, bail};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{Decimal128Type, Float64Type, Int32Type};
use datafusion::prelude::SessionContext;
use mainstay_config::Policy;
use mainstay_schema::{BlockedBy, Cents, CustomerStatus};

/// One row of the risk table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Customer {
    pub(super) id: String,
    pub(super) is_scored: bool,
    pub(super) churn_probability: f64,
    pub(super) clv: Cents,
    pub(super) blocked_by: BlockedBy,
    pub(super) allowed_channels: Vec<String>,
}

/// An offer that follows from risk and policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Made {
    /// Position in the catalogue.
    pub(super) kind: u16,
    pub(super) value: Cents,
    pub(super) cost: Cents,
    /// Whether the customer's consent allows the channel.
    pub(super) is_allowed: bool,
}

impl Customer {
    /// Whether nothing forbids to contact the customer.
    pub(super) fn may_be_contacted(&self) -> bool {
        self.is_scored && self.blocked_by.0 == 0
    }

    /// What the policy has for the customer that is worth its cost, in the order of the catalogue, be the customer blocked or not and the
    /// channel allowed or not: floor(churn probability x effect x lifetime value) - cost.
    pub(super) fn worthwhile(&self, policy: &Policy) -> Vec<Made> {
        let (band, tier) = (policy.risk_band(self.churn_probability), policy.value_tier(self.clv));
        let group_of = |column: &str| match column {
            "risk_band" => Some(band.to_owned()),
            "value_tier" => Some(tier.to_owned()),
            _ => None,
        };
        let mut made = Vec::new();
        for (kind, intervention) in (0u16..).zip(&policy.interventions) {
            let saved = self.clv.share(self.churn_probability * intervention.effect);
            let value = Cents(saved.0.saturating_sub(intervention.cost.0));
            let is_for_them = policy.rules.is_eligible(&intervention.name, &intervention.channel, group_of);
            if value > Cents::ZERO && value.0 >= policy.rules.minimum_value_cents && is_for_them {
                let is_allowed = self.allowed_channels.contains(&intervention.channel);
                made.push(Made { kind, value, cost: intervention.cost, is_allowed });
            }
        }
        made
    }

    /// What could be offered to the customer.
    pub(super) fn offers(&self, policy: &Policy) -> Vec<Made> {
        let worthwhile = if self.may_be_contacted() { self.worthwhile(policy) } else { Vec::new() };
        worthwhile.into_iter().filter(|made| made.is_allowed).collect()
    }

    /// The position of the customer's pair of risk band and value tier: tiers within bands, in the order of the policy.
    pub(super) fn segment(&self, policy: &Policy) -> u16 {
        let band = policy.risk_bands.iter().take_while(|band| self.churn_probability < band.churn_probability_at_least);
        let tier = policy.value_tiers.iter().take_while(|tier| self.clv < tier.clv_at_least);
        let (bands, tiers) = (policy.risk_bands.len(), policy.value_tiers.len());
        let (band, tier) = (band.count().min(bands.saturating_sub(1)), tier.count().min(tiers.saturating_sub(1)));
        (band * tiers + tier) as u16
    }
}

/// The customers of `customer_risk` of a session, sorted by id.
pub(super) async fn read(session: &SessionContext) -> Result<Vec<Customer>> {
    let sql = "select customer_id, status, churn_probability, clv_amount, blocked_by, allowed_channels
               from customer_risk order by customer_id";
    let mut customers = Vec::new();
    for batch in session.sql(sql).await?.collect().await? {
        let [ids, statuses, probabilities, clvs, blocks, channels] = batch.columns() else {
            bail!("six columns were asked for, {} came", batch.num_columns());
        };
        let (ids, statuses) = (ids.as_string::<i32>(), statuses.as_string::<i32>());
        let probabilities = probabilities.as_primitive::<Float64Type>();
        let (clvs, blocks) = (clvs.as_primitive::<Decimal128Type>(), blocks.as_primitive::<Int32Type>());
        let channels = channels.as_string::<i32>();
        for row in 0..batch.num_rows() {
            let names = if channels.is_valid(row) { channels.value(row) } else { "" };
            customers.push(Customer {
                id: ids.value(row).to_owned(),
                is_scored: statuses.value(row) == CustomerStatus::Scored.as_str(),
                churn_probability: if probabilities.is_valid(row) { probabilities.value(row) } else { 0.0 },
                clv: Cents(i64::try_from(clvs.value(row)).context("a lifetime value is too large")?),
                blocked_by: BlockedBy(blocks.value(row)),
                allowed_channels: names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            });
        }
    }
    Ok(customers)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The policy of the reference project.
    pub(in crate::published::verify) fn reference_policy() -> Policy {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../jobs/policies/retention.yml");
        Policy::parse(file, &std::fs::read_to_string(file).unwrap()).unwrap()
    }

    /// Someone who may be contacted by call and e-mail.
    pub(in crate::published::verify) fn customer(id: &str, churn_probability: f64, clv: i64) -> Customer {
        Customer {
            id: id.to_owned(),
            is_scored: true,
            churn_probability,
            clv: Cents(clv),
            blocked_by: BlockedBy(0),
            allowed_channels: vec!["call".to_owned(), "email".to_owned()],
        }
    }

    #[test]
    fn offers_follow_from_risk_value_and_catalogue() {
        let policy = reference_policy();
        let made = |kind, value, cost| Made { kind, value: Cents(value), cost: Cents(cost), is_allowed: true };
        // 0.5 x 0.40 x 300.00 = 60.00, 0.5 x 0.20 x 300.00 = 30.00, 0.5 x 0.05 x 300.00 = 7.50.
        let ada = customer("ada", 0.5, 30_000);
        let all = [made(0, 1_000, 5_000), made(1, 2_000, 1_000), made(2, 700, 50)];
        assert_eq!(ada.offers(&policy), all);
        assert_eq!(customer("bob", 0.5, 25_000).offers(&policy), [made(1, 1_500, 1_000), made(2, 575, 50)], "worth 0");
        assert_eq!(Customer { is_scored: false, ..ada.clone() }.offers(&policy), []);
        assert_eq!(Customer { blocked_by: BlockedBy(64), ..ada.clone() }.offers(&policy), [], "an unknown rule too");
        let by_mail = Customer { allowed_channels: vec!["email".into()], ..ada.clone() };
        assert_eq!(by_mail.offers(&policy), all[1..]);
        assert_eq!(by_mail.worthwhile(&policy).len(), 3);
        let mut dear = policy.clone();
        dear.rules.minimum_value_cents = 1_001;
        assert_eq!(ada.offers(&dear), all[1..2]);
    }

    #[test]
    fn a_segment_is_a_pair_of_band_and_tier() {
        let policy = reference_policy();
        let segment = |probability, clv| customer("ada", probability, clv).segment(&policy);
        assert_eq!([segment(0.8, 100_000), segment(0.8, 99_999), segment(0.79, 25_000)], [0, 1, 4]);
        assert_eq!([segment(0.0, 0), segment(0.0, -5), segment(0.5, 24_999)], [8, 8, 5]);
    }

    #[tokio::test]
    async fn rows_are_read_in_the_order_of_their_ids() {
        let session = SessionContext::new();
        let rows = "('bob', 'scored', 0.5, 300.00, 9, 'call,email'), ('ada', 'ineligible', null, 1.25, 0, null)";
        let sql = format!(
            "create view customer_risk as
             select customer_id, status, cast(churn_probability as double) as churn_probability,
                 cast(clv as decimal(18, 2)) as clv_amount, cast(blocked_by as int) as blocked_by, allowed_channels
             from (values {rows}) as t(customer_id, status, churn_probability, clv, blocked_by, allowed_channels)"
        );
        session.sql(&sql).await.unwrap();
        let read = read(&session).await.unwrap();
        let expected = Customer { blocked_by: BlockedBy(9), ..customer("bob", 0.5, 30_000) };
        assert_eq!(read[1], expected);
        assert_eq!((read[0].id.as_str(), read[0].is_scored, read[0].clv), ("ada", false, Cents(125)));
        assert!(read[0].allowed_channels.is_empty());
    }
}
