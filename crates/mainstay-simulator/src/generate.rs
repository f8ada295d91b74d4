//! Fills a folder with the data of a simulated retailer.

use std::collections::BTreeMap;
use std::path::Path;

use mainstay_schema::Ds;

use crate::calendar::{DAY_SECONDS, EPOCH, SECOND};
use crate::contact::Contact;
use crate::error::SimulatorError;
use crate::folder::{Opened, OutputFolder};
use crate::generated::{Generated, Written};
use crate::indicator;
use crate::output::{Period, TableOutput};
use crate::retailer::{Day, Retailer};
use crate::settings::{Profile, ValidSettings};
use crate::table;
use crate::truth;

/// Fills `folder` with a folder for each table: a file `date=2024-01-31.parquet` for each day with rows, of tables with few rows
/// a file `month=2024-01.parquet` for each month.
///
/// The same settings give the same bytes. `progress` is given the days done and the days in all. A folder that is complete for these
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
    let mut orders = OrderTables::create(&output)?;
    let mut others = match settings.get().profile {
        Profile::Full => Some(OtherTables::create(&output, settings)?),
        Profile::Orders => None,
    };
    let days = settings.get().days;
    let mut retailer = Retailer::new(settings.clone());
    for days_done in 1..=days {
        let Some(day) = retailer.next() else { break };
        orders.write(&output, &day)?;
        if let Some(others) = &mut others {
            others.write(&output, &day)?;
            others.write_truth(&output, settings, &retailer)?;
        }
        progress(days_done, days);
    }
    let mut tables = orders.finish()?;
    if let Some(others) = others {
        tables.extend(others.finish()?);
    }
    let generated = Generated { tables };
    output.finish(&generated)?;
    Ok(generated)
}

/// The tables of all profiles.
struct OrderTables {
    customers: TableOutput,
    orders: TableOutput,
    order_lines: TableOutput,
}

impl OrderTables {
    fn create(output: &OutputFolder) -> Result<Self, SimulatorError> {
        let create = |name| TableOutput::create(output, name, Period::Day);
        Ok(Self { customers: create("customers")?, orders: create("orders")?, order_lines: create("order_lines")? })
    }

    fn write(&mut self, output: &OutputFolder, day: &Day) -> Result<(), SimulatorError> {
        self.customers.write(output, day.ds, &table::customers(&day.customers)?)?;
        self.orders.write(output, day.ds, &table::orders(&day.orders)?)?;
        self.order_lines.write(output, day.ds, &table::order_lines(&day.orders)?)
    }

    fn finish(self) -> Result<BTreeMap<String, Written>, SimulatorError> {
        finish([self.customers, self.orders, self.order_lines])
    }
}

/// The tables of the full profile only.
struct OtherTables {
    web_events: TableOutput,
    support_tickets: TableOutput,
    contacts: TableOutput,
    assignments: TableOutput,
    consents: TableOutput,
    indicators: TableOutput,
    hazard: TableOutput,
    customer_truths: TableOutput,
}

impl OtherTables {
    /// Creates the tables. That of the indicators, which hang on nothing but the calendar, is written at once.
    fn create(output: &OutputFolder, settings: &ValidSettings) -> Result<Self, SimulatorError> {
        let create = |name, period| TableOutput::create(output, name, period);
        let mut indicators = create("indicators", Period::All("published.parquet"))?;
        let settings = settings.get();
        indicators.write(output, settings.start, &table::indicators(&indicator::published(settings))?)?;
        Ok(Self {
            web_events: create("web_events", Period::Day)?,
            support_tickets: create("support_tickets", Period::Month)?,
            contacts: create("contacts", Period::Month)?,
            assignments: create("assignments", Period::Month)?,
            consents: create("consents", Period::Month)?,
            indicators,
            hazard: create("_truth/hazard", Period::All("hazard.parquet"))?,
            customer_truths: create("_truth/customers", Period::All("customers.parquet"))?,
        })
    }

    fn write(&mut self, output: &OutputFolder, day: &Day) -> Result<(), SimulatorError> {
        self.web_events.write(output, day.ds, &table::web_events(&day.web_events)?)?;
        self.support_tickets.write(output, day.ds, &table::support_tickets(&day.tickets)?)?;
        self.assignments.write(output, day.ds, &table::assignments(&day.assignments)?)?;
        self.consents.write(output, day.ds, &table::consents(&day.consents)?)?;
        for contacts in day.contacts.chunk_by(|left, right| sent_on(left) == sent_on(right)) {
            let sent_on = contacts.first().map_or(day.ds, sent_on);
            self.contacts.write(output, sent_on, &table::contacts(contacts)?)?;
        }
        Ok(())
    }

    /// Writes what is true at the midnight after the last day that the retailer lived through.
    fn write_truth(
        &mut self,
        output: &OutputFolder,
        settings: &ValidSettings,
        retailer: &Retailer,
    ) -> Result<(), SimulatorError> {
        let settings = settings.get();
        let ds = settings.start.plus_days(retailer.next_day());
        if truth::is_snapshot(settings, retailer.next_day()) {
            self.hazard.write(output, ds, &table::hazards(&truth::hazards(settings, retailer))?)?;
        }
        if retailer.next_day() == settings.days as i32 {
            self.customer_truths.write(output, ds, &table::customer_truths(&truth::customers(settings, retailer))?)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<BTreeMap<String, Written>, SimulatorError> {
        let Self { web_events, support_tickets, contacts, assignments, consents, indicators, .. } = self;
        let sources = [web_events, support_tickets, contacts, assignments, consents, indicators];
        let mut tables = finish(sources)?;
        tables.extend(finish([self.hazard, self.customer_truths])?);
        Ok(tables)
    }
}

/// The day that a contact was sent on.
fn sent_on(contact: &Contact) -> Ds {
    EPOCH.plus_days(contact.sent_at.div_euclid(DAY_SECONDS * SECOND) as i32)
}

fn finish<const N: usize>(tables: [TableOutput; N]) -> Result<BTreeMap<String, Written>, SimulatorError> {
    tables.into_iter().map(|table| table.finish().map(|(name, written)| (name.to_owned(), written))).collect()
}
