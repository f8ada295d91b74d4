//! The simulated retailer: customers, orders and order lines, from a seed.
//!
//! [`generate`] writes a folder of Parquet files by date, the source tables of the reference project. The same settings give the
//! same bytes on every machine: each random number is a hash of where it is used, and exponentials and logarithms come from
//! `libm`. Days are simulated in order, so memory holds the customers and one day.
//!
//! It is a fixture with a memory, not a theory of shopping: recency, the trend of the frequency, returns and the dependence on
//! discounts all say something about who will leave, none of them all of it. With the constants as they are, 40 to 50 % of the
//! customers active in the last year buy nothing in the next 90 days, recency alone tells them apart with an AUC of about 0.81, small
//! boosted trees with about 0.85. It knows nothing of Mainstay's features and labels.

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
pub use folder::lacks_data;
pub use generate::{Generated, Written, generate};
pub use order::{Channel, Line, Order};
pub use retailer::{CustomerVersion, Day, Retailer};
pub use settings::{SettingsError, SimulatorSettings, ValidSettings};

#[cfg(test)]
mod tests;
