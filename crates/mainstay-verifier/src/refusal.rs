//! Why a plan or its certificate is refused.

use mainstay_schema::{Cents, Digest};

/// The first thing that is wrong with an instance, a plan or its certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A customer's offers are not sorted by kind, or one is there twice.
    #[error("offer {position} is out of order or a repetition: the offers were changed")]
    UnsortedOffers {
        /// Position in the instance.
        position: usize,
    },
    /// A cost below 0 would pay for others.
    #[error("offer {position} costs {cost}: a cost is at least 0")]
    NegativeCost {
        /// Position in the instance.
        position: usize,
        /// Its cost.
        cost: Cents,
    },
    /// The certificate is of another version.
    #[error("the certificate has version {version}, but only version 2 is understood: use the verifier of its release")]
    UnsupportedVersion {
        /// Its version.
        version: u32,
    },
    /// The certificate is about other offers or rules, or they were changed.
    #[error("the certificate is of other offers or rules: it names {claimed}, these have {recomputed}")]
    ForeignInstance {
        /// In the certificate.
        claimed: Digest,
        /// Of the instance.
        recomputed: Digest,
    },
    /// The certificate is about another plan, or it was changed.
    #[error("the certificate is of another plan: it names {claimed}, this one has {recomputed}")]
    ForeignPlan {
        /// In the certificate.
        claimed: Digest,
        /// Of the plan.
        recomputed: Digest,
    },
    /// The plan chooses an offer that does not exist.
    #[error("the plan chooses offer {position}, which does not exist")]
    UnknownOffer {
        /// The position that it names.
        position: u32,
    },
    /// The plan is not sorted by customer.
    #[error("the plan chooses offer {position} out of order: its choices ascend")]
    UnsortedPlan {
        /// The position that it names.
        position: u32,
    },
    /// The plan gives a customer more than one offer.
    #[error("the plan gives customer {customer} two offers: at most one is allowed")]
    TwoOffers {
        /// Position of the customer.
        customer: usize,
    },
    /// The certificate lists other rules than the instance has, or other limits.
    #[error("the certificate lists other rules or limits than the instance has: it was changed")]
    OtherRules,
    /// The plan uses more of a rule than its limit.
    #[error("the plan breaks the rule `{rule}`: it uses {used}, the limit is {limit}")]
    RuleBroken {
        /// Name of the rule.
        rule: String,
        /// What the plan uses.
        used: i128,
        /// The most that it may use.
        limit: i64,
    },
    /// The plan uses something else of a rule than the certificate says.
    #[error("the certificate says that the plan uses {claimed} of the rule `{rule}`, but it uses {recomputed}")]
    WrongUse {
        /// Name of the rule.
        rule: String,
        /// In the certificate.
        claimed: i64,
        /// Of the plan.
        recomputed: i128,
    },
    /// The plan costs something else than the certificate says.
    #[error("the certificate says that the plan costs {claimed}, but it costs {recomputed}")]
    WrongCost {
        /// In the certificate.
        claimed: Cents,
        /// Of the plan.
        recomputed: Cents,
    },
    /// The plan is worth something else than the certificate says.
    #[error("the certificate says that the plan is worth {claimed}, but it is worth {recomputed}")]
    WrongValue {
        /// In the certificate.
        claimed: Cents,
        /// Of the plan.
        recomputed: Cents,
    },
    /// A price below 0 would count a broken rule as a gain.
    #[error("the price of the rule `{rule}` is {price}: a price is at least 0")]
    NegativePrice {
        /// Name of the rule.
        rule: String,
        /// Its numerator.
        price: i64,
    },
    /// Prices are no fractions.
    #[error("the denominator of the prices is {denominator}: it must be at least 1")]
    NoDenominator {
        /// The denominator.
        denominator: i64,
    },
    /// The prices do not give the bound that the certificate says.
    #[error("the certificate says that no plan is worth more than {claimed}, but its prices prove {recomputed}")]
    WrongBound {
        /// In the certificate.
        claimed: Cents,
        /// At the prices.
        recomputed: Cents,
    },
    /// A sum does not fit.
    #[error("a sum of money is too large to be checked exactly: the amounts cannot be right")]
    Overflow,
}
