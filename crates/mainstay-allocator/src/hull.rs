//! The upper hull of one customer's offers: those that some price of budget makes best.

use mainstay_schema::Cents;
use mainstay_schema::plan::Offers;

use crate::efficiency::Efficiency;
use crate::relaxation::NONE;

/// A step up the hull of one customer: from its previous offer on the hull (or none) to `offer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Increment {
    /// Position of the offer that is reached.
    pub(crate) offer: u32,
    /// Position of the offer that is given up, or [`NONE`].
    pub(crate) before: u32,
}

impl Increment {
    /// The value gained, above 0, and the cost added, at least 0.
    pub(crate) fn gain(self, offers: &Offers) -> (i64, i64) {
        let amounts =
            |position: u32| offers.get(position as usize).map_or((0, 0), |offer| (offer.value.0, offer.cost.0));
        let (reached, given_up) = (amounts(self.offer), amounts(self.before));
        (reached.0 - given_up.0, reached.1 - given_up.1)
    }

    pub(crate) fn efficiency(self, offers: &Offers) -> Efficiency {
        let (value, cost) = self.gain(offers);
        Efficiency::new(Cents(value), Cents(cost))
    }
}

/// An offer on the hull.
#[derive(Debug, Clone, Copy)]
struct Vertex {
    position: u32,
    value: i64,
    cost: i64,
}

impl Vertex {
    /// No offer: where every hull starts.
    const ORIGIN: Self = Self { position: NONE, value: 0, cost: 0 };

    fn step_to(&self, next: &Self) -> Efficiency {
        Efficiency::new(Cents(next.value - self.value), Cents(next.cost - self.cost))
    }
}

/// Finds hulls one customer after the other, in the same memory.
#[derive(Debug, Default)]
pub(crate) struct HullFinder {
    candidates: Vec<Vertex>,
    hull: Vec<Vertex>,
}

impl HullFinder {
    /// The steps up a customer's hull with their efficiencies, from no offer upwards.
    ///
    /// Offers on a straight line between two others stay: they are no better for the relaxation, but let a plan fill the budget in
    /// smaller steps. Of equal offers the first kind stays.
    pub(crate) fn steps(&mut self, offers: &Offers, customer: usize) -> impl Iterator<Item = (Increment, Efficiency)> {
        self.candidates.clear();
        for position in offers.of(customer) {
            let Some(offer) = offers.get(position) else { continue };
            let vertex = Vertex { position: position as u32, value: offer.value.0, cost: offer.cost.0 };
            // By rising cost, then by falling value, then by kind; most customers have few offers.
            let key = |other: &Vertex| (other.cost, -other.value);
            let place = self.candidates.iter().rposition(|other| key(other) <= key(&vertex)).map_or(0, |last| last + 1);
            self.candidates.insert(place, vertex);
        }
        self.hull.clear();
        self.hull.push(Vertex::ORIGIN);
        for candidate in &self.candidates {
            // Costs no less than the last vertex: not worth more is dominated.
            if self.hull.last().is_some_and(|last| candidate.value <= last.value) {
                continue;
            }
            while let [.., before, last] = self.hull.as_slice()
                && before.step_to(last) < last.step_to(candidate)
            {
                self.hull.pop();
            }
            self.hull.push(*candidate);
        }
        self.hull.windows(2).filter_map(|pair| match pair {
            [from, to] => Some((Increment { offer: to.position, before: from.position }, from.step_to(to))),
            _ => None,
        })
    }
}
