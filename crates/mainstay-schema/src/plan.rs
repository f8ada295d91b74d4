//! What the allocator hands over and the verifier checks: offers and rules, a plan over them, and the certificate of the plan.
//!
//! The problem is a multiple-choice knapsack under rows. With x_ij = 1 where customer i gets offer j:
//!
//! maximise sum v_ij x_ij, at most one offer a customer, sum a_kij x_ij <= b_k for every rule k.

mod certificate;
mod offers;
mod rule;

pub use certificate::{Certificate, PricedRule};
pub use offers::{AmountsView, Offer, Offers};
pub use rule::{Rule, Selection, Term, Weight};

use std::sync::Arc;

use crate::digest::{Digest, DigestHasher};

/// The instance of one day: what could be done for whom, and the rules that a plan must keep. A copy shares the offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// What could be done for whom.
    pub offers: Arc<Offers>,
    /// What every plan must keep, in the order in which they are listed.
    pub rules: Vec<Rule>,
}

impl Instance {
    /// The digest that ties a certificate to its instance.
    pub fn digest(&self) -> Digest {
        let mut hasher = DigestHasher::new();
        hasher.frame(self.offers.digest().hex().as_bytes()).integer(self.rules.len() as i64);
        for rule in &self.rules {
            rule.digest_into(&mut hasher);
        }
        hasher.finish()
    }
}

/// One chosen offer or none for every customer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Positions of the chosen offers, ascending.
    pub chosen: Vec<u32>,
}

impl Plan {
    /// The digest of the choices.
    pub fn digest(&self) -> Digest {
        let mut hasher = DigestHasher::new();
        hasher.integer(self.chosen.len() as i64);
        hasher.integers(self.chosen.iter().map(|&offer| i64::from(offer)));
        hasher.finish()
    }
}
