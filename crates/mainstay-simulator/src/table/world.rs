//! `customers`, `web_events` and `indicators`.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::{Columns, customer_id};
use crate::indicator::Indicator;
use crate::retailer::CustomerVersion;
use crate::web::WebEvent;

/// Customer versions as `customers`.
pub(crate) fn customers(versions: &[CustomerVersion]) -> Result<RecordBatch, ArrowError> {
    let versions = || versions.iter();
    Columns::default()
        .text("customer_id", versions().map(|version| customer_id(version.customer)))
        .instant("valid_from", versions().map(|version| version.valid_from))
        .instant("signed_up_at", versions().map(|version| version.signed_up_at))
        .text("country", versions().map(|version| version.country))
        .perhaps_text("region", versions().map(|version| version.region))
        .text("email", versions().map(email))
        .perhaps_integer("birth_year", versions().map(|version| version.birth_year))
        .perhaps_text("gender", versions().map(|version| version.gender))
        .perhaps_text("income_band", versions().map(|version| version.income_band))
        .batch()
}

/// What customers did as `web_events`.
pub(crate) fn web_events(events: &[WebEvent]) -> Result<RecordBatch, ArrowError> {
    let events = || events.iter();
    Columns::default()
        .text("event_id", events().map(|event| format!("E{:010}", event.number)))
        .text("customer_id", events().map(|event| customer_id(event.customer)))
        .instant("occurred_at", events().map(|event| event.occurred_at))
        .instant("loaded_at", events().map(|event| event.loaded_at))
        .text("event_type", events().map(|event| event.event_type.as_str()))
        .perhaps_text("device", events().map(|event| event.device))
        .perhaps_boolean("is_error", events().map(|event| event.is_error))
        .batch()
}

/// Published figures as `indicators`.
pub(crate) fn indicators(figures: &[Indicator]) -> Result<RecordBatch, ArrowError> {
    let figures = || figures.iter();
    Columns::default()
        .text("indicator", figures().map(|figure| figure.name))
        .date("period", figures().map(|figure| figure.period))
        .instant("published_at", figures().map(|figure| figure.published_at))
        .double("value", figures().map(|figure| figure.value))
        .batch()
}

/// An address in the domain that nobody can own (RFC 2606).
fn email(version: &CustomerVersion) -> String {
    match version.email_changes {
        0 => format!("c{:07}@example.com", version.customer),
        changes => format!("c{:07}.{}@example.com", version.customer, changes + 1),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;

    use super::*;

    fn version(email_changes: u32) -> CustomerVersion {
        CustomerVersion {
            customer: 123,
            valid_from: 2,
            signed_up_at: 1,
            country: "US",
            region: Some("north"),
            email_changes,
            birth_year: None,
            gender: Some("female"),
            income_band: None,
        }
    }

    #[test]
    fn ids_and_addresses_are_obviously_made_up() {
        let batch = customers(&[version(0), version(2)]).unwrap();
        let column = |name| batch.column_by_name(name).unwrap().as_any().downcast_ref::<StringArray>().unwrap();
        assert_eq!(column("customer_id").value(0), "C0000123");
        assert_eq!(column("email").value(0), "c0000123@example.com");
        assert_eq!(column("email").value(1), "c0000123.3@example.com");
    }
}
