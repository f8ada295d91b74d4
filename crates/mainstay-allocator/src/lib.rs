//! Chooses one offer a customer under a budget, and proves how near the optimum the choice is.
//!
//! The problem is the multiple-choice knapsack: maximise the value of the chosen offers, at most one a customer, within the
//! budget. [`ValidInstance`] is the question, [`Frontier`] what every customer is worth at every price of budget (it does
//! not depend on the budget, so pacing asks it too), [`allocate()`] the answer with its certificate. All of it is exact in
//! integers and has one result for one question.
//!
//! It does not check its own certificates: `mainstay-verifier` does, and shares no code with this crate. What an
//! intervention costs and whom it may reach is decided before, by the job.

pub mod allocate;
pub mod efficiency;
pub mod frontier;
pub mod instance;
pub mod offer;

pub use allocate::{Solution, allocate};
pub use efficiency::Efficiency;
pub use frontier::{BudgetPoint, Frontier};
pub use instance::{InstanceError, ValidInstance};
pub use offer::{OfferValue, offer_value};
