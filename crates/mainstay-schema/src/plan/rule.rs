//! Rules as integer rows: `sum over chosen offers of a_k <= limit`.
//!
//! What a rule asks of an offer depends on the kind of the offer and the segment of its customer only, and then on its cost or on
//! nothing else. So a plan's use of all rules follows from how many offers of each kind each segment was given, and what they cost.

use serde::{Deserialize, Serialize};

use crate::decision::DecisionReason;
use crate::digest::DigestHasher;

/// One rule that every plan must keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What people call it: `budget`, `capacity of call`. Each rule has a name of its own.
    pub name: String,
    /// The reason given for a customer who gets no offer because of it.
    pub reason: DecisionReason,
    /// What chosen offers add up to.
    pub terms: Vec<Term>,
    /// The most that they may add up to; below 0 for a floor whose terms count down.
    pub limit: i64,
}

/// A part of a rule: every chosen offer that it selects adds `factor` times its weight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// The kinds of offers.
    pub kinds: Selection,
    /// The segments of customers.
    pub segments: Selection,
    /// What is added up.
    pub weight: Weight,
    /// How often, and in which direction.
    pub factor: i64,
}

/// What a term adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// The cost, in cents.
    Cost,
    /// One for each offer.
    Count,
}

/// Which of the kinds or segments are selected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// All of them.
    All,
    /// These.
    Of(Vec<u16>),
}

impl Selection {
    /// Whether `one` is selected.
    pub fn contains(&self, one: u16) -> bool {
        match self {
            Self::All => true,
            Self::Of(some) => some.contains(&one),
        }
    }

    fn digest_into(&self, hasher: &mut DigestHasher) {
        match self {
            Self::All => hasher.integer(-1),
            Self::Of(some) => {
                hasher.integer(some.len() as i64);
                hasher.integers(some.iter().map(|&one| i64::from(one)))
            }
        };
    }
}

impl Rule {
    /// The budget: all costs together.
    pub fn budget(limit: i64) -> Self {
        let terms = vec![Term { kinds: Selection::All, segments: Selection::All, weight: Weight::Cost, factor: 1 }];
        Self { name: "budget".to_owned(), reason: DecisionReason::Budget, terms, limit }
    }

    pub(super) fn digest_into(&self, hasher: &mut DigestHasher) {
        hasher.frame(self.name.as_bytes()).frame(self.reason.as_str().as_bytes());
        hasher.integer(self.limit).integer(self.terms.len() as i64);
        for Term { kinds, segments, weight, factor } in &self.terms {
            kinds.digest_into(hasher);
            segments.digest_into(hasher);
            hasher.integer(i64::from(*weight == Weight::Cost)).integer(*factor);
        }
    }
}
