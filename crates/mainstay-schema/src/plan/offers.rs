//! Offers by column: a population of ten million with six offers each stays below a gigabyte.

use std::ops::Range;

use crate::digest::{Digest, DigestHasher};
use crate::money::Cents;

/// One thing that could be done for a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Which entry of the catalogue it is.
    pub kind: u16,
    /// The gain that is maximised.
    pub value: Cents,
    /// What it takes from the budget.
    pub cost: Cents,
}

/// The offers of all customers, customer by customer; an offer is known by its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offers {
    /// What the positions stand for: ids of customers, names of kinds and segments. Part of the digest, not read here.
    labels: Digest,
    segments: Vec<u16>,
    /// Where the offers of each customer end.
    ends: Vec<u32>,
    kinds: Vec<u16>,
    amounts: Amounts,
}

/// 32 bits an amount while all of them fit, 64 from the first that does not.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Amounts {
    Narrow { values: Vec<u32>, costs: Vec<u32> },
    Wide { values: Vec<i64>, costs: Vec<i64> },
}

/// The amounts in the width that they have, for loops over many.
#[derive(Debug, Clone, Copy)]
pub enum AmountsView<'a> {
    /// All fit 32 bits.
    Narrow {
        /// Value of every offer, in cents.
        values: &'a [u32],
        /// Cost of every offer, in cents.
        costs: &'a [u32],
    },
    /// Some do not.
    Wide {
        /// Value of every offer, in cents.
        values: &'a [i64],
        /// Cost of every offer, in cents.
        costs: &'a [i64],
    },
}

impl Offers {
    /// No customers yet; `labels` is the digest of what the positions will stand for.
    pub fn new(labels: Digest) -> Self {
        let amounts = Amounts::Narrow { values: Vec::new(), costs: Vec::new() };
        Self { labels, segments: Vec::new(), ends: Vec::new(), kinds: Vec::new(), amounts }
    }

    /// Room for so many customers and offers.
    #[must_use]
    pub fn with_capacity(mut self, customers: usize, offers: usize) -> Self {
        self.segments.reserve_exact(customers);
        self.ends.reserve_exact(customers);
        self.kinds.reserve_exact(offers);
        match &mut self.amounts {
            Amounts::Narrow { values, costs } => {
                values.reserve_exact(offers);
                costs.reserve_exact(offers);
            }
            Amounts::Wide { values, costs } => {
                values.reserve_exact(offers);
                costs.reserve_exact(offers);
            }
        }
        self
    }

    /// Adds the next customer. Its offers come by rising kind.
    pub fn push_customer(&mut self, segment: u16, offers: impl IntoIterator<Item = Offer>) {
        for Offer { kind, value, cost } in offers {
            self.kinds.push(kind);
            self.amounts.push(value.0, cost.0);
        }
        self.segments.push(segment);
        // Whoever checks an instance refuses more offers than 32 bits can number.
        self.ends.push(u32::try_from(self.kinds.len()).unwrap_or(u32::MAX));
    }

    /// How many customers there are, those without offers included.
    pub fn customers(&self) -> usize {
        self.segments.len()
    }

    /// How many offers there are.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether there is nothing to offer to anybody.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// The positions of a customer's offers; none for a customer that does not exist.
    pub fn of(&self, customer: usize) -> Range<usize> {
        let end = self.ends.get(customer).map_or(self.len(), |&end| end as usize);
        let start = customer.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |&start| start as usize);
        start..end.max(start)
    }

    /// The customer of an offer.
    pub fn customer_of(&self, position: usize) -> usize {
        self.ends.partition_point(|&end| end as usize <= position)
    }

    /// The offer at a position.
    pub fn get(&self, position: usize) -> Option<Offer> {
        let &kind = self.kinds.get(position)?;
        let (value, cost) = match &self.amounts {
            Amounts::Narrow { values, costs } => (i64::from(*values.get(position)?), i64::from(*costs.get(position)?)),
            Amounts::Wide { values, costs } => (*values.get(position)?, *costs.get(position)?),
        };
        Some(Offer { kind, value: Cents(value), cost: Cents(cost) })
    }

    /// All offers in the order of their positions.
    pub fn iter(&self) -> impl Iterator<Item = Offer> {
        (0..self.len()).filter_map(|position| self.get(position))
    }

    /// The segment of every customer.
    pub fn segments(&self) -> &[u16] {
        &self.segments
    }

    /// Where the offers of every customer end.
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// The kind of every offer.
    pub fn kinds(&self) -> &[u16] {
        &self.kinds
    }

    /// The amounts of every offer.
    pub fn amounts(&self) -> AmountsView<'_> {
        match &self.amounts {
            Amounts::Narrow { values, costs } => AmountsView::Narrow { values, costs },
            Amounts::Wide { values, costs } => AmountsView::Wide { values, costs },
        }
    }

    /// The digest of everything; the same whatever the width of the amounts.
    pub fn digest(&self) -> Digest {
        let mut hasher = DigestHasher::new();
        hasher.frame(self.labels.hex().as_bytes()).integer(self.customers() as i64).integer(self.len() as i64);
        hasher.integers(self.segments.iter().map(|&segment| i64::from(segment)));
        hasher.integers(self.ends.iter().map(|&end| i64::from(end)));
        hasher.integers(self.kinds.iter().map(|&kind| i64::from(kind)));
        match &self.amounts {
            Amounts::Narrow { values, costs } => {
                hasher.integers(values.iter().map(|&value| i64::from(value)));
                hasher.integers(costs.iter().map(|&cost| i64::from(cost)));
            }
            Amounts::Wide { values, costs } => {
                hasher.integers(values.iter().copied());
                hasher.integers(costs.iter().copied());
            }
        }
        hasher.finish()
    }
}

impl Amounts {
    fn push(&mut self, value: i64, cost: i64) {
        if let Self::Narrow { values, costs } = self {
            if let (Ok(value), Ok(cost)) = (u32::try_from(value), u32::try_from(cost)) {
                values.push(value);
                costs.push(cost);
                return;
            }
            let widened = |narrow: &[u32]| narrow.iter().map(|&amount| i64::from(amount)).collect();
            *self = Self::Wide { values: widened(values), costs: widened(costs) };
        }
        if let Self::Wide { values, costs } = self {
            values.push(value);
            costs.push(cost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(kind: u16, value: i64, cost: i64) -> Offer {
        Offer { kind, value: Cents(value), cost: Cents(cost) }
    }

    fn three_customers(largest: i64) -> Offers {
        let mut offers = Offers::new(Digest::of(b"labels"));
        offers.push_customer(0, [offer(0, 5, 1), offer(2, 7, 2)]);
        offers.push_customer(1, []);
        offers.push_customer(0, [offer(1, largest, 3)]);
        offers
    }

    #[test]
    fn finds_offers_by_customer_and_customers_by_offer() {
        let offers = three_customers(9);
        assert_eq!((offers.customers(), offers.len()), (3, 3));
        assert_eq!([0, 1, 2, 3].map(|customer| offers.of(customer)), [0..2, 2..2, 2..3, 3..3]);
        assert_eq!([0, 1, 2].map(|position| offers.customer_of(position)), [0, 0, 2]);
        assert_eq!(offers.get(1), Some(offer(2, 7, 2)));
        assert_eq!(offers.get(3), None);
    }

    #[test]
    fn widens_at_the_first_amount_that_needs_it() {
        let largest = i64::from(u32::MAX);
        assert!(matches!(three_customers(largest).amounts(), AmountsView::Narrow { .. }));
        for value in [largest + 1, -1] {
            let offers = three_customers(value);
            assert!(matches!(offers.amounts(), AmountsView::Wide { .. }));
            assert_eq!(offers.get(0), Some(offer(0, 5, 1)));
            assert_eq!(offers.get(2), Some(offer(1, value, 3)));
        }
    }

    #[test]
    fn the_digest_covers_every_column() {
        let base = three_customers(9).digest();
        assert_eq!(base, three_customers(9).digest());
        assert_ne!(base, three_customers(10).digest());
        let mut moved = Offers::new(Digest::of(b"labels"));
        moved.push_customer(0, [offer(0, 5, 1)]);
        moved.push_customer(1, [offer(2, 7, 2)]);
        moved.push_customer(0, [offer(1, 9, 3)]);
        assert_ne!(base, moved.digest());
        assert_ne!(Offers::new(Digest::of(b"a")).digest(), Offers::new(Digest::of(b"b")).digest());
    }
}
