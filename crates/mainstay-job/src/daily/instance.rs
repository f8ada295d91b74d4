//! The instance of a day: who could be offered what, under which rules.

use std::sync::Arc;

use mainstay_config::Policy;
use mainstay_config::rule_rows::{Catalogue, OfferKind};
use mainstay_schema::plan::{Instance, Offer, Offers};
use mainstay_schema::{Cents, Digest, DigestHasher};

use crate::daily::candidates::{Candidate, Possible};

/// The name of the rule of the day's allowance.
pub(crate) const BUDGET: &str = "budget";

/// The offers of a day, built once, and what its rules speak of; the rules wait for what the day may spend.
pub(crate) struct DayOffers<'a> {
    offers: Arc<Offers>,
    catalogue: Catalogue,
    policy: &'a Policy,
}

impl<'a> DayOffers<'a> {
    /// Every intervention that is worth more than it costs, for everyone who may be contacted, in the channels that consent allows and
    /// as far as the policy holds the customer eligible.
    pub(crate) fn of(candidates: &[Candidate], policy: &'a Policy) -> Self {
        let mut catalogue = catalogue(policy);
        let names = candidates.iter().flat_map(|candidate| {
            possible(candidate, policy)
                .map(|possible| (candidate.customer_id.as_str(), possible.intervention.name.as_str()))
        });
        let mut offers = Offers::new(labels(names));
        for candidate in candidates {
            let segment = segment(candidate, policy);
            if let (true, Some(size)) = (candidate.may_be_contacted(), catalogue.sizes.get_mut(usize::from(segment))) {
                *size += 1;
            }
            let own: Vec<Offer> = possible(candidate, policy)
                .map(|Possible { position, intervention, value }| Offer {
                    kind: position,
                    value,
                    cost: intervention.cost,
                })
                .collect();
            // Whoever has no offer is not listed in the file of offers, nor is its segment.
            offers.push_customer(if own.is_empty() { 0 } else { segment }, own);
        }
        Self { offers: Arc::new(offers), catalogue, policy }
    }

    /// The offers under the policy's rules for a day that may spend `allowance`, of which shares of the budget follow.
    pub(crate) fn within(&self, allowance: Cents) -> Instance {
        let rules = self.policy.rules.rows(allowance.0, &self.catalogue);
        Instance { offers: Arc::clone(&self.offers), rules }
    }
}

/// The digest of whom and what the offers stand for, in their order.
pub(crate) fn labels<'a>(names: impl IntoIterator<Item = (&'a str, &'a str)>) -> Digest {
    let mut hasher = DigestHasher::new();
    for (customer, intervention) in names {
        hasher.frame(customer.as_bytes()).frame(intervention.as_bytes());
    }
    hasher.finish()
}

fn possible<'a>(candidate: &'a Candidate, policy: &'a Policy) -> impl Iterator<Item = Possible<'a>> {
    candidate.may_be_contacted().then(|| offers(candidate, policy)).into_iter().flatten()
}

/// What a customer could be offered if no rule forbade to contact it.
pub(crate) fn offers<'a>(candidate: &'a Candidate, policy: &'a Policy) -> impl Iterator<Item = Possible<'a>> {
    wanted(candidate, policy).filter(|possible| candidate.allows(&possible.intervention.channel))
}

/// The same, be the channel allowed or not: worth more than its cost, as much as the policy asks, and for customers like this one.
pub(crate) fn wanted<'a>(candidate: &'a Candidate, policy: &'a Policy) -> impl Iterator<Item = Possible<'a>> {
    let group_of = |column: &str| match column {
        "risk_band" => Some(policy.risk_band(candidate.churn_probability).to_owned()),
        "value_tier" => Some(policy.value_tier(candidate.clv).to_owned()),
        _ => None,
    };
    candidate.worthwhile(policy).filter(move |Possible { intervention, value, .. }| {
        value.0 >= policy.rules.minimum_value_cents
            && policy.rules.is_eligible(&intervention.name, &intervention.channel, group_of)
    })
}

/// Interventions as kinds, pairs of risk band and value tier as segments.
fn catalogue(policy: &Policy) -> Catalogue {
    let kind = |intervention: &mainstay_config::policy::Intervention| OfferKind {
        offer: intervention.name.clone(),
        channel: intervention.channel.clone(),
        is_exploratory: false,
    };
    let tiers = || policy.value_tiers.iter().map(|tier| tier.name.clone());
    let segments: Vec<Vec<String>> =
        policy.risk_bands.iter().flat_map(|band| tiers().map(|tier| vec![band.name.clone(), tier])).collect();
    Catalogue {
        kinds: policy.interventions.iter().map(kind).collect(),
        group_columns: vec!["risk_band".to_owned(), "value_tier".to_owned()],
        sizes: vec![0; segments.len()],
        segments,
    }
}

/// The position of a customer's pair of risk band and value tier.
fn segment(candidate: &Candidate, policy: &Policy) -> u16 {
    let (band, tier) = (policy.risk_band(candidate.churn_probability), policy.value_tier(candidate.clv));
    let band = policy.risk_bands.iter().position(|each| each.name == band).unwrap_or_default();
    let tier = policy.value_tiers.iter().position(|each| each.name == tier).unwrap_or_default();
    (band * policy.value_tiers.len() + tier) as u16
}
