//! What an offer is worth.

use mainstay_schema::Cents;

/// The expected worth of one intervention for one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferValue {
    /// The lifetime value that the intervention is expected to save.
    pub saved: Cents,
    /// The same less the cost: what the allocator maximises. An offer is made only where it is positive.
    pub net: Cents,
}

/// The value of an offer: `floor(churn_probability * effect * clv) - cost`.
///
/// `effect` is the share of would-be churners that the intervention retains. Both shares lie in [0, 1], and the lifetime
/// value below 2^53 cents, where double precision is exact to the cent.
pub fn offer_value(churn_probability: f64, effect: f64, clv: Cents, cost: Cents) -> OfferValue {
    let saved = clv.share(churn_probability * effect);
    OfferValue { saved, net: Cents(saved.0.saturating_sub(cost.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_worth_what_it_saves_less_its_cost() {
        let value = offer_value(0.5, 0.25, Cents(100_007), Cents(5_000));
        assert_eq!(value, OfferValue { saved: Cents(12_500), net: Cents(7_500) });
    }

    #[test]
    fn an_offer_can_be_worth_less_than_nothing() {
        assert_eq!(offer_value(0.1, 0.05, Cents(1_000), Cents(50)).net, Cents(-45));
        assert_eq!(offer_value(0.5, 0.5, Cents(-1_001), Cents(50)).saved, Cents(-251));
    }
}
