//! The simulated retailer: customers, orders and order lines, from a seed.
//!
//! [`generate`] writes a folder of Parquet files by date, the source tables of the reference project. The same settings give the
//! same bytes on every machine: each random number is a hash of where it is used ([`random`]), and exponentials and logarithms
//! come from `libm`. Days are simulated in order, so memory holds the customers and one day.
//!
//! It is a fixture with a memory, not a theory of shopping: recency, the trend of the frequency, returns and the dependence on
//! discounts all say something about who will leave, none of them all of it. It knows nothing of Mainstay's features and labels.

mod calendar;
mod catalogue;
mod customer;
mod error;
mod folder;
mod generate;
mod order;
mod random;
mod retailer;
mod settings;
mod table;

pub use error::SimulatorError;
pub use generate::{Generated, Written, generate};
pub use order::{Channel, Line, Order};
pub use retailer::{CustomerVersion, Day, Retailer};
pub use settings::{SettingsError, SimulatorSettings, ValidSettings};

#[cfg(test)]
mod tests;
