//! Honest certificates pass, whoever made them; every forgery is refused.

use mainstay_allocator::{Frontier, ValidInstance, allocate};
use mainstay_schema::Digest;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
struct Claim {
    instance: Instance,
    plan: Plan,
    certificate: Certificate,
}

impl Claim {
    fn verify(&self) -> Result<Verified, Refusal> {
        verify(&self.instance, &self.plan, &self.certificate)
    }

    /// Digests that fit again, as a forger would write them.
    fn signed(mut self) -> Self {
        self.certificate.instance = self.instance.digest();
        self.certificate.plan = self.plan.digest();
        self
    }

    fn chosen(&self) -> impl Iterator<Item = Offer> {
        self.plan.chosen.iter().map(|&position| self.instance.offers[position as usize])
    }

    /// The plan's own cost and value, told honestly.
    fn recounted(mut self) -> Self {
        self.certificate.plan_cost = self.chosen().map(|offer| offer.cost).sum();
        self.certificate.plan_value = self.chosen().map(|offer| offer.value).sum();
        self.signed()
    }
}

fn offer(customer: u32, intervention: u16, value: i64, cost: i64) -> Offer {
    Offer { customer, intervention, value: Cents(value), cost: Cents(cost) }
}

fn solved(instance: Instance) -> Claim {
    let valid = ValidInstance::new(instance.clone()).unwrap();
    let solution = allocate(&valid, &Frontier::build(&valid));
    Claim { instance, plan: solution.plan, certificate: solution.certificate }
}

/// Two of three customers are treated for 9 of 10 cents; the step to offer 1 sets the price at 6/6.
fn example() -> Claim {
    let offers = vec![offer(0, 0, 20, 5), offer(0, 1, 26, 11), offer(1, 0, 12, 4), offer(2, 7, 1, 2)];
    solved(Instance { customers: 3, offers, budget: Cents(10) })
}

fn claims() -> impl Strategy<Value = Claim> {
    let menus = proptest::collection::vec(proptest::collection::vec((1i64..900, 0i64..300), 0..5), 1..12);
    (menus, 0i64..2_000).prop_map(|(menus, budget)| {
        let offers = (0..).zip(&menus).flat_map(|(customer, menu)| {
            (0..).zip(menu).map(move |(intervention, &(value, cost))| offer(customer, intervention, value, cost))
        });
        solved(Instance { customers: menus.len() as u32, offers: offers.collect(), budget: Cents(budget) })
    })
}

fn refused(forge: impl FnOnce(&mut Claim)) -> String {
    let mut claim = example();
    forge(&mut claim);
    claim.verify().unwrap_err().to_string()
}

fn refused_though_signed(forge: impl FnOnce(&mut Claim)) -> String {
    let mut claim = example();
    forge(&mut claim);
    claim.signed().verify().unwrap_err().to_string()
}

#[test]
fn tells_what_it_recomputed() {
    let verified = example().verify().unwrap();
    assert_eq!(verified, Verified { cost: Cents(9), value: Cents(32), upper_bound: Cents(33), gap: Cents(1) });
}

#[test]
fn refuses_impossible_offers() {
    assert_eq!(
        refused_though_signed(|claim| claim.instance.offers.swap(0, 1)),
        "offer 1 is out of order or a repetition: the offers were changed"
    );
    assert_eq!(
        refused_though_signed(|claim| claim.instance.offers[1] = claim.instance.offers[0]),
        "offer 1 is out of order or a repetition: the offers were changed"
    );
    assert_eq!(
        refused_though_signed(|claim| claim.instance.customers = 2),
        "offer 3 is for customer 2, but there are only 2 customers: the offers were changed"
    );
    assert_eq!(
        refused_though_signed(|claim| claim.instance.offers[3].cost = Cents(-1)),
        "offer 3 costs -0.01: a cost is at least 0"
    );
}

#[test]
fn refuses_certificates_of_something_else() {
    assert_eq!(
        refused(|claim| claim.certificate.version = 2),
        "the certificate has version 2, but only version 1 is understood: use the verifier of its release"
    );
    assert_eq!(
        refused(|claim| claim.certificate.budget = Cents(11)),
        "the certificate is for a budget of 0.11, but 0.10 may be spent"
    );
    let other = Digest::of(b"other");
    let Claim { instance, plan, .. } = example();
    assert_eq!(
        refused(|claim| claim.certificate.instance = other),
        format!("the certificate is of other offers: it names {other}, these have {}", instance.digest())
    );
    assert_eq!(
        refused(|claim| claim.certificate.plan = other),
        format!("the certificate is of another plan: it names {other}, this one has {}", plan.digest())
    );
}

#[test]
fn refuses_impossible_plans() {
    assert_eq!(
        refused_though_signed(|claim| claim.plan.chosen.push(4)),
        "the plan chooses offer 4, which does not exist"
    );
    assert_eq!(
        refused_though_signed(|claim| claim.plan.chosen.swap(0, 1)),
        "the plan chooses offer 0 out of order: its choices ascend"
    );
    assert_eq!(
        refused_though_signed(|claim| claim.plan.chosen.insert(1, 1)),
        "the plan gives customer 0 two offers: at most one is allowed"
    );
    assert_eq!(
        refused_though_signed(|claim| claim.plan.chosen.push(3)),
        "the plan costs 0.11, more than the budget of 0.10"
    );
}

#[test]
fn refuses_wrong_numbers() {
    assert_eq!(
        refused(|claim| claim.certificate.plan_cost = Cents(8)),
        "the certificate says that the plan costs 0.08, but it costs 0.09"
    );
    assert_eq!(
        refused(|claim| claim.certificate.plan_value = Cents(33)),
        "the certificate says that the plan is worth 0.33, but it is worth 0.32"
    );
    for wrong in [32, 34] {
        assert_eq!(
            refused(|claim| claim.certificate.upper_bound = Cents(wrong)),
            format!("the certificate says that no plan is worth more than 0.{wrong}, but its price proves 0.33")
        );
    }
    for (value_cents, cost_cents) in [(-1, 1), (1, 0), (1, -1), (-1, -1)] {
        assert_eq!(
            refused(|claim| claim.certificate.price = Price { value_cents, cost_cents }),
            format!(
                "the price of budget {value_cents}/{cost_cents} is not a fraction of at least 0 with a positive denominator"
            )
        );
    }
}

#[test]
fn refuses_sums_that_do_not_fit() {
    let too_large = "a sum of money is too large to be checked exactly: the amounts cannot be right";
    let largest = Cents(i64::MAX);
    let offers = (0..4).map(|customer| Offer { value: largest, ..offer(customer, 0, 0, 0) }).collect();
    let instance = Instance { customers: 4, offers, budget: Cents(0) };
    let empty = Claim { plan: Plan::default(), instance, ..example() };
    let refusal = |mut claim: Claim, price, chosen| {
        claim.certificate = Certificate { price, budget: Cents(0), ..claim.certificate };
        claim.plan.chosen = chosen;
        claim.recounted().verify().unwrap_err().to_string()
    };
    assert_eq!(refusal(empty.clone(), Price::ZERO, vec![0, 1]), too_large, "the plan's value");
    assert_eq!(refusal(empty.clone(), Price::ZERO, vec![]), too_large, "the bound in 64 bits");
    let whole = Price { value_cents: 0, cost_cents: i64::MAX };
    assert_eq!(refusal(empty, whole, vec![]), too_large, "the bound in 128 bits");
}

/// One way to lie; all change something that matters.
#[derive(Debug, Clone, Copy)]
enum Forgery {
    ClaimedCost,
    ClaimedValue,
    ClaimedBound,
    ClaimedBudget,
    RaisedBudget,
    OfferValue,
    OfferCost,
    ExtraContact,
    DroppedContact,
    SwappedInstanceDigest,
    SwappedPlanDigest,
    SwappedDigests,
    Version,
    NegativePrice,
    NoDenominator,
}

const FORGERIES: [Forgery; 15] = [
    Forgery::ClaimedCost,
    Forgery::ClaimedValue,
    Forgery::ClaimedBound,
    Forgery::ClaimedBudget,
    Forgery::RaisedBudget,
    Forgery::OfferValue,
    Forgery::OfferCost,
    Forgery::ExtraContact,
    Forgery::DroppedContact,
    Forgery::SwappedInstanceDigest,
    Forgery::SwappedPlanDigest,
    Forgery::SwappedDigests,
    Forgery::Version,
    Forgery::NegativePrice,
    Forgery::NoDenominator,
];

/// The forged claim, or `None` where there is nothing to forge (no offer, no contact).
fn forge(mut claim: Claim, forgery: Forgery, pick: usize, cents: i64) -> Option<Claim> {
    let Claim { instance, plan, certificate } = &mut claim;
    let (offers, contacts) = (instance.offers.len(), plan.chosen.len());
    match forgery {
        Forgery::ClaimedCost => certificate.plan_cost.0 += cents,
        Forgery::ClaimedValue => certificate.plan_value.0 += cents,
        Forgery::ClaimedBound => certificate.upper_bound.0 += cents,
        Forgery::ClaimedBudget => certificate.budget.0 += cents,
        Forgery::RaisedBudget => instance.budget.0 += cents.abs(),
        Forgery::OfferValue => instance.offers.get_mut(pick.checked_rem(offers)?)?.value.0 += cents,
        Forgery::OfferCost => instance.offers.get_mut(pick.checked_rem(offers)?)?.cost.0 += cents.abs(),
        Forgery::ExtraContact => {
            let extra = pick.checked_rem(offers)? as u32;
            plan.chosen.push(extra);
            plan.chosen.sort_unstable();
        }
        Forgery::DroppedContact => drop(plan.chosen.remove(pick.checked_rem(contacts)?)),
        Forgery::SwappedInstanceDigest => certificate.instance = certificate.plan,
        Forgery::SwappedPlanDigest => certificate.plan = certificate.instance,
        Forgery::SwappedDigests => std::mem::swap(&mut certificate.plan, &mut certificate.instance),
        Forgery::Version => certificate.version += 1,
        Forgery::NegativePrice => certificate.price.value_cents = -cents.abs(),
        Forgery::NoDenominator => certificate.price.cost_cents = 0,
    }
    Some(claim)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_allocator_is_honest(claim in claims()) {
        let verified = claim.verify();
        prop_assert!(verified.is_ok_and(|verified| verified.gap >= Cents::ZERO));
    }

    #[test]
    fn every_forgery_is_refused(
        claim in claims(),
        forgery in proptest::sample::select(&FORGERIES[..]),
        pick in 0usize..1_000,
        cents in prop_oneof![-50i64..0, 1i64..50],
    ) {
        if let Some(forged) = forge(claim, forgery, pick, cents) {
            prop_assert!(forged.verify().is_err());
        }
    }

    #[test]
    fn signing_a_changed_plan_does_not_help(claim in claims(), pick in 0usize..1_000, extra in any::<bool>()) {
        let forgery = if extra { Forgery::ExtraContact } else { Forgery::DroppedContact };
        if let Some(forged) = forge(claim, forgery, pick, 1) {
            prop_assert!(forged.signed().verify().is_err());
        }
    }

    #[test]
    fn a_second_contact_is_refused_even_where_all_is_recounted(claim in claims(), pick in 0usize..1_000) {
        if let Some(forged) = forge(claim.clone(), Forgery::ExtraContact, pick, 1) {
            let forged = forged.recounted();
            let customers: Vec<u32> = forged.chosen().map(|offer| offer.customer).collect();
            let twice = customers.windows(2).any(|pair| pair[0] == pair[1]);
            let overspent = forged.certificate.plan_cost > forged.instance.budget;
            prop_assert_eq!(forged.verify().is_err(), twice || overspent);
        }
    }

    #[test]
    fn another_plan_with_honest_numbers_is_accepted(claim in claims(), keep in any::<u32>(), price in 0i64..9) {
        let mut other = claim;
        other.plan.chosen.retain(|position| keep >> (position % 32) & 1 == 1);
        other.certificate.price = Price { value_cents: price, cost_cents: 3 };
        other.certificate.upper_bound = bound_by_definition(&other.instance, price, 3);
        let other = other.recounted();
        let verified = other.verify();
        prop_assert_eq!(verified.map(|verified| verified.value), Ok(other.certificate.plan_value));
    }
}

/// floor(L(value / cost)), customer by customer.
fn bound_by_definition(instance: &Instance, value: i64, cost: i64) -> Cents {
    let surplus = |customer: u32| {
        let own = instance.offers.iter().filter(|offer| offer.customer == customer);
        own.map(|offer| offer.value.0 * cost - value * offer.cost.0).max().unwrap_or(0).max(0)
    };
    let total: i64 = (0..instance.customers).map(surplus).sum();
    Cents((value * instance.budget.0 + total).div_euclid(cost))
}
