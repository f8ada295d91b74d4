//! Why a plan or its certificate is refused.

use mainstay_schema::{Cents, Digest};

/// The first thing that is wrong with an instance, a plan or its certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Offers are not sorted by customer and intervention, or one is there twice.
    #[error("offer {position} is out of order or a repetition: the offers were changed")]
    UnsortedOffers {
        /// Position in the instance.
        position: usize,
    },
    /// An offer for a customer that does not exist.
    #[error(
        "offer {position} is for customer {customer}, but there are only {customers} customers: the offers were changed"
    )]
    UnknownCustomer {
        /// Position in the instance.
        position: usize,
        /// The customer that it names.
        customer: u32,
        /// How many customers there are.
        customers: u32,
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
    #[error("the certificate has version {version}, but only version 1 is understood: use the verifier of its release")]
    UnsupportedVersion {
        /// Its version.
        version: u32,
    },
    /// The certificate is about another budget.
    #[error("the certificate is for a budget of {claimed}, but {budget} may be spent")]
    WrongBudget {
        /// In the certificate.
        claimed: Cents,
        /// In the instance.
        budget: Cents,
    },
    /// The certificate is about other offers, or they were changed.
    #[error("the certificate is of other offers: it names {claimed}, these have {recomputed}")]
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
        /// The customer.
        customer: u32,
    },
    /// The plan costs more than the budget.
    #[error("the plan costs {cost}, more than the budget of {budget}")]
    Overspent {
        /// What it costs.
        cost: Cents,
        /// What may be spent.
        budget: Cents,
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
    /// A price below 0, or one that is no fraction.
    #[error(
        "the price of budget {value_cents}/{cost_cents} is not a fraction of at least 0 with a positive denominator"
    )]
    InvalidPrice {
        /// Its numerator.
        value_cents: i64,
        /// Its denominator.
        cost_cents: i64,
    },
    /// The price does not give the bound that the certificate says.
    #[error("the certificate says that no plan is worth more than {claimed}, but its price proves {recomputed}")]
    WrongBound {
        /// In the certificate.
        claimed: Cents,
        /// At the price.
        recomputed: Cents,
    },
    /// A sum does not fit.
    #[error("a sum of money is too large to be checked exactly: the amounts cannot be right")]
    Overflow,
}
