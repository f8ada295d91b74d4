//! Chooses one offer a customer under rules, and proves how near the optimum the choice is.
//!
//! The problem is the multiple-choice knapsack with several rows: maximise the value of the chosen offers, at most one a customer,
//! such that each rule of [`mainstay_schema::plan::Rule`] is kept. [`ValidInstance`] is the instance, [`allocate()`] gives the plan with
//! its certificate. Under a budget alone the [`Frontier`] holds the plans of all budgets at once, which is what pacing asks for.
//!
//! How it works, and whose ideas these are, stands with each module, from the prices to the plan: `relaxation` decides every
//! customer alone at given prices; `dual` finds the prices, with `master`, `sample` and `focus`; `mixture` makes a plan of them that
//! nearly keeps the rules, and `repair` one that keeps them; `exchange` and `exact` improve it among the customers of the `core`;
//! `floors` says which floor is out of reach. For a budget alone `hull`, `frontier` and `greedy` do the first half.
//!
//! Everything that is claimed is exact in integers, and one instance has one answer: floating point only guides the search, and
//! its operations are the same everywhere. It does not check its own certificates: `mainstay-verifier` does, and shares no code with
//! this crate. What an intervention costs and whom it may reach is decided before, by the job.

pub mod allocate;
pub mod efficiency;
pub mod frontier;
pub mod instance;
pub mod marginal_price;
pub mod offer;
pub mod sensitivity;

mod coefficients;
mod core;
mod dual;
mod error;
mod exact;
mod exchange;
mod floors;
mod focus;
mod greedy;
mod hull;
mod master;
mod mixture;
mod order;
mod problem;
mod relaxation;
mod repair;
mod sample;
mod solve;
#[cfg(test)]
mod test_instances;

pub use allocate::{Solution, allocate, allocate_along};
pub use efficiency::Efficiency;
pub use error::AllocationError;
pub use frontier::{BudgetPoint, Frontier};
pub use instance::{InstanceError, ValidInstance};
pub use marginal_price::{MarginalPrice, marginal_prices};
pub use offer::{OfferValue, offer_value};
pub use sensitivity::{RuleSensitivity, Sensitivity, sensitivity};
