//! Fills a folder with the data of a simulated retailer.

use std::fmt;
use std::path::Path;

use arrow::array::RecordBatch;
use mainstay_schema::Ds;
use serde::{Deserialize, Serialize};

use crate::error::SimulatorError;
use crate::folder::{Opened, OutputFolder};
use crate::retailer::{Day, Retailer};
use crate::settings::ValidSettings;
use crate::table;

const CUSTOMERS: &str = "customers";
const ORDERS: &str = "orders";
const ORDER_LINES: &str = "order_lines";

/// What a folder of simulated data holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generated {
    /// Versions of customers, by the day that they are valid from.
    pub customers: Written,
    /// Orders and returns, by the day that they were placed on.
    pub orders: Written,
    /// Products of orders and returns, by the same day.
    pub order_lines: Written,
}

/// What was written of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// Rows in all files.
    pub rows: u64,
    /// One a day that has rows.
    pub files: u64,
    /// Size of all files in bytes.
    pub bytes: u64,
}

impl Generated {
    /// Number of all files.
    pub fn files(&self) -> u64 {
        self.customers.files + self.orders.files + self.order_lines.files
    }

    /// Size of all files in bytes.
    pub fn bytes(&self) -> u64 {
        self.customers.bytes + self.orders.bytes + self.order_lines.bytes
    }
}

impl fmt::Display for Generated {
    /// `2100 versions of customers, 24000 orders and returns, 60000 order lines: 2190 files, 9.5 MB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} versions of customers, {} orders and returns, {} order lines: {} files, {:.1} MB",
            self.customers.rows,
            self.orders.rows,
            self.order_lines.rows,
            self.files(),
            self.bytes() as f64 / 1e6
        )
    }
}

/// Fills `folder` with `customers/`, `orders/` and `order_lines/`, a file `date=2024-01-31.parquet` for each day with rows.
///
/// The same settings give the same bytes. `progress` is told the days done and the days in all. A folder that is complete for these
/// settings is left alone; what a killed run left of them is written anew; a file appears whole or not at all.
///
/// # Errors
/// Where the folder holds anything else (see [`SimulatorError`] for what to do), or cannot be written.
pub fn generate(
    settings: &ValidSettings,
    folder: &Path,
    progress: &mut dyn FnMut(u32, u32),
) -> Result<Generated, SimulatorError> {
    let output = match OutputFolder::open(folder, settings)? {
        Opened::Complete(generated) => return Ok(generated),
        Opened::ToFill(output) => output,
    };
    for table in [CUSTOMERS, ORDERS, ORDER_LINES] {
        output.create_table(table)?;
    }
    let mut generated = Generated::default();
    let days = settings.get().days;
    for (days_done, day) in (1..).zip(Retailer::new(settings.clone())) {
        write_day(&output, &day, &mut generated)?;
        progress(days_done, days);
    }
    output.finish(&generated)?;
    Ok(generated)
}

fn write_day(output: &OutputFolder, day: &Day, generated: &mut Generated) -> Result<(), SimulatorError> {
    let customers = table::customers(&day.customers)?;
    let orders = table::orders(&day.orders)?;
    let order_lines = table::order_lines(&day.orders)?;
    generated.customers.add(output, CUSTOMERS, day.ds, &customers)?;
    generated.orders.add(output, ORDERS, day.ds, &orders)?;
    generated.order_lines.add(output, ORDER_LINES, day.ds, &order_lines)
}

impl Written {
    fn add(&mut self, output: &OutputFolder, table: &str, ds: Ds, rows: &RecordBatch) -> Result<(), SimulatorError> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        self.bytes += output.write(table, ds, rows)?;
        self.rows += rows.num_rows() as u64;
        self.files += 1;
        Ok(())
    }
}
