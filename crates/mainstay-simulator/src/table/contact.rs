//! `support_tickets`, `contacts`, `assignments` and `consents`.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use mainstay_schema::Month;

use super::{Columns, customer_id};
use crate::campaign::{Assignment, Intervention};
use crate::consent::ConsentChange;
use crate::contact::Contact;
use crate::support::Ticket;

/// Support cases as `support_tickets`.
pub(crate) fn support_tickets(tickets: &[Ticket]) -> Result<RecordBatch, ArrowError> {
    let tickets = || tickets.iter();
    Columns::default()
        .text("ticket_id", tickets().map(|ticket| format!("T{:09}", ticket.number)))
        .text("customer_id", tickets().map(|ticket| customer_id(ticket.customer)))
        .instant("opened_at", tickets().map(|ticket| ticket.opened_at))
        .instant("loaded_at", tickets().map(|ticket| ticket.loaded_at))
        .perhaps_instant("closed_at", tickets().map(|ticket| ticket.closed_at))
        .perhaps_text("severity", tickets().map(|ticket| ticket.severity))
        .perhaps_text("topic", tickets().map(|ticket| ticket.topic))
        .perhaps_integer("satisfaction", tickets().map(|ticket| ticket.rating.map(|(rating, _)| rating)))
        .perhaps_instant("rated_at", tickets().map(|ticket| ticket.rating.map(|(_, at)| at)))
        .batch()
}

/// Messages and calls as `contacts`.
pub(crate) fn contacts(contacts: &[Contact]) -> Result<RecordBatch, ArrowError> {
    let contacts = || contacts.iter();
    let campaign = |contact: &Contact| match contact.intervention {
        Some(_) => campaign(contact.month),
        None => format!("news-{}", contact.month),
    };
    Columns::default()
        .text("contact_id", contacts().map(|contact| format!("N{:010}", contact.number)))
        .text("customer_id", contacts().map(|contact| customer_id(contact.customer)))
        .instant("sent_at", contacts().map(|contact| contact.sent_at))
        .instant("loaded_at", contacts().map(|contact| contact.loaded_at))
        .text("campaign", contacts().map(campaign))
        .text("channel", contacts().map(|contact| contact.channel.as_str()))
        .perhaps_text("intervention", contacts().map(|contact| contact.intervention.map(Intervention::as_str)))
        .perhaps_instant("opened_at", contacts().map(|contact| contact.opened_at))
        .perhaps_instant("clicked_at", contacts().map(|contact| contact.clicked_at))
        .perhaps_instant("converted_at", contacts().map(|contact| contact.converted_at))
        .perhaps_instant("unsubscribed_at", contacts().map(|contact| contact.unsubscribed_at))
        .batch()
}

/// What campaigns drew as `assignments`.
pub(crate) fn assignments(assignments: &[Assignment]) -> Result<RecordBatch, ArrowError> {
    let assignments = || assignments.iter();
    Columns::default()
        .text("campaign", assignments().map(|assignment| campaign(assignment.month)))
        .text("customer_id", assignments().map(|assignment| customer_id(assignment.customer)))
        .instant("assigned_at", assignments().map(|assignment| assignment.assigned_at))
        .instant("loaded_at", assignments().map(|assignment| assignment.loaded_at))
        .text("arm", assignments().map(|assignment| assignment.arm.map_or("control", Intervention::as_str)))
        .double("propensity", assignments().map(|assignment| assignment.propensity))
        .batch()
}

/// Changes of consent as `consents`.
pub(crate) fn consents(changes: &[ConsentChange]) -> Result<RecordBatch, ArrowError> {
    let changes = || changes.iter();
    Columns::default()
        .text("customer_id", changes().map(|change| customer_id(change.customer)))
        .text("channel", changes().map(|change| change.channel.as_str()))
        .text("purpose", changes().map(|_| "marketing"))
        .instant("changed_at", changes().map(|change| change.changed_at))
        .instant("loaded_at", changes().map(|change| change.loaded_at))
        .boolean("is_granted", changes().map(|change| change.is_granted))
        .batch()
}

/// The retention campaign of a month.
fn campaign(month: Month) -> String {
    format!("retention-{month}")
}
