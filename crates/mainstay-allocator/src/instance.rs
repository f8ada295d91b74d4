//! The question, checked: sorted offers whose sums and products are exact in the arithmetic of this crate.

use mainstay_schema::Cents;
use mainstay_schema::plan::{Instance, Offer};

/// The most that one offer may cost or be worth: 10 billion in the currency.
pub const LARGEST_OFFER: Cents = Cents(1_000_000_000_000);
/// The most that the budget, all costs together or all values together may be. Times [`LARGEST_OFFER`] it fits 128 bits.
pub const LARGEST_TOTAL: Cents = Cents(1_000_000_000_000_000_000);

/// Why offers and a budget are not a question that can be answered exactly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstanceError {
    /// Positions of offers are 32 bits wide.
    #[error("{count} offers are more than a plan can number (4294967295): split the population")]
    TooManyOffers {
        /// How many there are.
        count: usize,
    },
    /// The customer does not exist.
    #[error("offer {offer} is for customer {customer}, but there are only {customers} customers")]
    UnknownCustomer {
        /// Position of the offer.
        offer: usize,
        /// The customer that it names.
        customer: u32,
        /// How many customers there are.
        customers: u32,
    },
    /// The order of the offers is broken.
    #[error(
        "offer {offer} (customer {customer}, intervention {intervention}) is out of order: sort offers by customer and intervention"
    )]
    Unsorted {
        /// Position of the offer.
        offer: usize,
        /// Its customer.
        customer: u32,
        /// Its intervention.
        intervention: u16,
    },
    /// A customer has the same intervention twice.
    #[error("offer {offer} repeats intervention {intervention} for customer {customer}: keep one")]
    Duplicate {
        /// Position of the offer.
        offer: usize,
        /// Its customer.
        customer: u32,
        /// Its intervention.
        intervention: u16,
    },
    /// An offer that is not worth its cost is no offer.
    #[error("offer {offer} is worth {value}: leave out offers that are not worth more than 0")]
    WithoutValue {
        /// Position of the offer.
        offer: usize,
        /// Its value.
        value: Cents,
    },
    /// A cost below 0.
    #[error("offer {offer} costs {cost}: a cost is at least 0")]
    NegativeCost {
        /// Position of the offer.
        offer: usize,
        /// Its cost.
        cost: Cents,
    },
    /// One offer is beyond [`LARGEST_OFFER`].
    #[error("offer {offer} has the amount {amount}, above the {LARGEST_OFFER} that an offer may have")]
    OfferTooLarge {
        /// Position of the offer.
        offer: usize,
        /// Its value or cost.
        amount: Cents,
    },
    /// All offers together are beyond [`LARGEST_TOTAL`].
    #[error(
        "the offers add up to more than {LARGEST_TOTAL}, the most that can be counted exactly: split the population"
    )]
    TotalTooLarge,
    /// A budget below 0 or above [`LARGEST_TOTAL`].
    #[error("the budget is {0}: it must lie between 0 and {LARGEST_TOTAL}")]
    BudgetOutOfRange(Cents),
}

/// An [`Instance`] that [`ValidInstance::new`] has checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidInstance(Instance);

impl ValidInstance {
    /// Checks the order of the offers, their customers and all magnitudes.
    ///
    /// # Errors
    /// The first offer that breaks a rule, by its position; or the budget.
    pub fn new(instance: Instance) -> Result<Self, InstanceError> {
        check_budget(instance.budget)?;
        if u32::try_from(instance.offers.len()).is_err() {
            return Err(InstanceError::TooManyOffers { count: instance.offers.len() });
        }
        for (position, offer) in instance.offers.iter().enumerate() {
            check_offer(position, offer, instance.customers)?;
        }
        for (position, pair) in instance.offers.windows(2).enumerate() {
            if let [before, offer] = pair {
                check_order(position + 1, before, offer)?;
            }
        }
        check_total(&instance.offers)?;
        Ok(Self(instance))
    }

    /// The same offers under another budget.
    ///
    /// # Errors
    /// The budget is out of range.
    pub fn with_budget(mut self, budget: Cents) -> Result<Self, InstanceError> {
        check_budget(budget)?;
        self.0.budget = budget;
        Ok(self)
    }

    /// What may be spent.
    pub fn budget(&self) -> Cents {
        self.0.budget
    }

    /// The question as the verifier and the plan's reader see it.
    pub fn as_instance(&self) -> &Instance {
        &self.0
    }
}

fn check_budget(budget: Cents) -> Result<(), InstanceError> {
    if (Cents::ZERO..=LARGEST_TOTAL).contains(&budget) {
        return Ok(());
    }
    Err(InstanceError::BudgetOutOfRange(budget))
}

fn check_offer(position: usize, offer: &Offer, customers: u32) -> Result<(), InstanceError> {
    if offer.customer >= customers {
        return Err(InstanceError::UnknownCustomer { offer: position, customer: offer.customer, customers });
    }
    if offer.value <= Cents::ZERO {
        return Err(InstanceError::WithoutValue { offer: position, value: offer.value });
    }
    if offer.cost < Cents::ZERO {
        return Err(InstanceError::NegativeCost { offer: position, cost: offer.cost });
    }
    let amount = offer.value.max(offer.cost);
    if amount > LARGEST_OFFER {
        return Err(InstanceError::OfferTooLarge { offer: position, amount });
    }
    Ok(())
}

fn check_order(position: usize, before: &Offer, offer: &Offer) -> Result<(), InstanceError> {
    let &Offer { customer, intervention, .. } = offer;
    match (before.customer, before.intervention).cmp(&(customer, intervention)) {
        std::cmp::Ordering::Less => Ok(()),
        std::cmp::Ordering::Equal => Err(InstanceError::Duplicate { offer: position, customer, intervention }),
        std::cmp::Ordering::Greater => Err(InstanceError::Unsorted { offer: position, customer, intervention }),
    }
}

fn check_total(offers: &[Offer]) -> Result<(), InstanceError> {
    let value: i128 = offers.iter().map(|offer| i128::from(offer.value.0)).sum();
    let cost: i128 = offers.iter().map(|offer| i128::from(offer.cost.0)).sum();
    if value.max(cost) > i128::from(LARGEST_TOTAL.0) {
        return Err(InstanceError::TotalTooLarge);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(customer: u32, intervention: u16, value: i64, cost: i64) -> Offer {
        Offer { customer, intervention, value: Cents(value), cost: Cents(cost) }
    }

    fn refusal(offers: Vec<Offer>, budget: i64) -> String {
        ValidInstance::new(Instance { customers: 3, offers, budget: Cents(budget) }).unwrap_err().to_string()
    }

    #[test]
    fn says_which_offer_is_wrong_and_why() {
        assert_eq!(refusal(vec![offer(3, 0, 1, 1)], 0), "offer 0 is for customer 3, but there are only 3 customers");
        assert_eq!(
            refusal(vec![offer(1, 0, 1, 1), offer(0, 0, 1, 1)], 0),
            "offer 1 (customer 0, intervention 0) is out of order: sort offers by customer and intervention"
        );
        assert_eq!(
            refusal(vec![offer(0, 0, 1, 1), offer(1, 4, 1, 1), offer(1, 4, 2, 2)], 0),
            "offer 2 repeats intervention 4 for customer 1: keep one"
        );
        assert_eq!(
            refusal(vec![offer(0, 0, 0, 1)], 0),
            "offer 0 is worth 0.00: leave out offers that are not worth more than 0"
        );
        assert_eq!(refusal(vec![offer(0, 0, 1, -1)], 0), "offer 0 costs -0.01: a cost is at least 0");
        assert_eq!(
            refusal(vec![offer(0, 0, 1, LARGEST_OFFER.0 + 1)], 0),
            "offer 0 has the amount 10,000,000,000.01, above the 10,000,000,000.00 that an offer may have"
        );
    }

    #[test]
    fn refuses_money_beyond_what_can_be_counted() {
        let range = "it must lie between 0 and 10,000,000,000,000,000.00";
        assert_eq!(refusal(vec![], -1), format!("the budget is -0.01: {range}"));
        assert_eq!(refusal(vec![], LARGEST_TOTAL.0 + 1), format!("the budget is 10,000,000,000,000,000.01: {range}"));
        let valid = ValidInstance::new(Instance { customers: 0, offers: vec![], budget: Cents(5) }).unwrap();
        assert_eq!(valid.clone().with_budget(Cents(7)).unwrap().budget(), Cents(7));
        assert_eq!(valid.with_budget(Cents(-5)), Err(InstanceError::BudgetOutOfRange(Cents(-5))));
    }

    #[test]
    fn refuses_offers_that_add_up_to_too_much() {
        let most = (LARGEST_TOTAL.0 / LARGEST_OFFER.0) as u32;
        let offers = |count| (0..count).map(|customer| offer(customer, 0, 1, LARGEST_OFFER.0)).collect();
        let instance = |count| Instance { customers: count, offers: offers(count), budget: Cents(0) };
        assert!(ValidInstance::new(instance(most)).is_ok());
        let refused = ValidInstance::new(instance(most + 1)).unwrap_err().to_string();
        assert_eq!(
            refused,
            "the offers add up to more than 10,000,000,000,000,000.00, the most that can be counted exactly: split the population"
        );
    }

    #[test]
    fn counts_in_words_what_it_cannot_number() {
        assert_eq!(
            InstanceError::TooManyOffers { count: 5_000_000_000 }.to_string(),
            "5000000000 offers are more than a plan can number (4294967295): split the population"
        );
    }
}
