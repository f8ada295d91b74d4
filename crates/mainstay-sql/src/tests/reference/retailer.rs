//! What the four customers of the reference tests did, as the source files of a retailer.

use std::path::Path;

use datafusion::prelude::SessionContext;

use crate::tests::fixture::write_parquet;

/// A table: its columns in order, each with the type that a text is read as; what the rows say in that order.
struct Table {
    name: &'static str,
    columns: &'static [(&'static str, Type)],
    rows: &'static str,
}

#[derive(Clone, Copy)]
enum Type {
    Text,
    Time,
    Date,
    Integer,
    Money,
    Double,
    Boolean,
}

use Type::{Boolean, Date, Double, Integer, Money, Text, Time};

/// Writes a file of every source table of the reference project.
///
/// `ada` orders, sends back and comes again; `bob` ordered once, exactly 365 days before as-of; `cleo` never ordered; `dan`
/// lapsed and is not among the customers. As-of is the first instant of 2025: rows and values beyond it, or loaded beyond it,
/// are there to stay unseen.
pub(super) async fn write(ctx: &SessionContext, folder: &Path) {
    for table in TABLES {
        let file = folder.join(format!("{}/part.parquet", table.name));
        write_parquet(ctx, &file, &table.sql()).await;
    }
}

impl Table {
    fn sql(&self) -> String {
        let columns = (1..).zip(self.columns).map(|(position, (name, column_type))| {
            let value = format!("column{position}");
            let value = match column_type {
                Text => format!("cast({value} as varchar)"),
                Time => format!("arrow_cast({value}, 'Timestamp(Microsecond, Some(\"UTC\"))')"),
                Date => format!("cast({value} as date)"),
                Integer => format!("cast({value} as integer)"),
                Money => format!("cast({value} as decimal(18, 2))"),
                Double => format!("cast({value} as double)"),
                Boolean => format!("cast({value} as boolean)"),
            };
            format!("{value} as {name}")
        });
        format!("select {} from (values {})", columns.collect::<Vec<_>>().join(", "), self.rows)
    }
}

const TABLES: [Table; 9] = [
    Table {
        name: "customers",
        columns: &[
            ("customer_id", Text),
            ("valid_from", Time),
            ("signed_up_at", Time),
            ("country", Text),
            ("region", Text),
            ("email", Text),
            ("birth_year", Integer),
            ("gender", Text),
            ("income_band", Text),
        ],
        rows: "
            ('ada', '2024-01-01T00:00:00', '2024-01-01T00:00:00', 'US', 'North', 'ada@example.org', 1980, 'f', 'middle'),
            ('ada', '2024-06-01T00:00:00', '2024-01-01T00:00:00', 'CA', 'North', 'ada@example.org', 1980, 'f', 'middle'),
            ('ada', '2025-06-01T00:00:00', '2024-01-01T00:00:00', 'MX', 'North', 'ada@example.org', 1980, 'f', 'middle'),
            ('bob', '2023-01-01T00:00:00', '2023-01-01T00:00:00', 'US', 'North', 'bob@example.org', 1980, 'm', null),
            ('cleo', '2024-12-31T00:00:00', '2024-12-31T00:00:00', 'US', 'North', 'cleo@example.org', 1980, 'f', 'high')",
    },
    Table {
        name: "orders",
        columns: &[
            ("order_id", Text),
            ("customer_id", Text),
            ("ordered_at", Time),
            ("loaded_at", Time),
            ("gross_amount", Money),
            ("discount_amount", Money),
            ("net_amount", Money),
            ("cost_amount", Money),
            ("channel", Text),
            ("is_return", Boolean),
        ],
        rows: "
            ('o1', 'ada', '2024-12-21T12:00:00', '2024-12-21T13:00:00', 110, 10, 100, 60, 'app', false),
            ('o2', 'ada', '2024-11-21T12:00:00', '2024-11-21T13:00:00', 50, 0, 50, null, 'web', false),
            ('o3', 'ada', '2024-08-13T12:00:00', '2024-08-13T13:00:00', 40, 10, 30, 10, 'app', false),
            ('r1', 'ada', '2024-12-27T12:00:00', '2024-12-27T13:00:00', 20, 0, 20, 12, 'app', true),
            ('o4', 'ada', '2024-12-30T12:00:00', '2025-01-02T00:00:00', 900, 0, 900, 0, 'app', false),
            ('o5', 'ada', '2025-01-10T12:00:00', '2025-01-10T13:00:00', 5, 0, 5, 1, 'app', false),
            ('o6', 'bob', '2024-01-02T00:00:00', '2024-01-02T01:00:00', 40, 0, 40, null, 'web', false),
            ('r2', 'bob', '2025-01-10T12:00:00', '2025-01-10T13:00:00', 40, 0, 40, null, 'web', true),
            ('o7', 'dan', '2023-06-01T00:00:00', '2023-06-01T01:00:00', 10, 0, 10, 5, 'web', false)",
    },
    Table {
        name: "order_lines",
        columns: &[
            ("order_id", Text),
            ("line_number", Integer),
            ("customer_id", Text),
            ("ordered_at", Time),
            ("loaded_at", Time),
            ("product_id", Text),
            ("category", Text),
            ("quantity", Integer),
            ("unit_price", Money),
            ("net_amount", Money),
        ],
        rows: "
            ('o1', 1, 'ada', '2024-12-21T12:00:00', '2024-12-21T12:00:00', 'p1', 'toys', 2, 1, 2),
            ('o1', 2, 'ada', '2024-12-21T12:00:00', '2024-12-21T12:00:00', 'p2', 'tools', 1, 4, 4),
            ('o2', 1, 'ada', '2024-11-21T12:00:00', '2024-11-21T12:00:00', 'p1', 'toys', 1, 1, 1),
            ('o3', 1, 'ada', '2024-08-13T12:00:00', '2024-08-13T12:00:00', 'p3', null, 1, 3, 3),
            ('r1', 1, 'ada', '2024-12-27T12:00:00', '2024-12-27T12:00:00', 'p1', 'toys', 1, 1, 1),
            ('o7', 1, 'dan', '2023-06-01T00:00:00', '2023-06-01T00:00:00', 'p1', 'toys', 1, 1, 1)",
    },
    Table {
        name: "web_events",
        columns: &[
            ("event_id", Text),
            ("customer_id", Text),
            ("occurred_at", Time),
            ("loaded_at", Time),
            ("event_type", Text),
            ("device", Text),
            ("is_error", Boolean),
        ],
        rows: "
            ('w1', 'ada', '2024-12-30T10:00:00', '2024-12-30T11:00:00', 'session', 'mobile', false),
            ('w2', 'ada', '2024-12-30T10:05:00', '2024-12-30T11:00:00', 'product_view', 'mobile', true),
            ('w3', 'ada', '2024-12-30T10:10:00', '2024-12-30T11:00:00', 'add_to_cart', 'mobile', null),
            ('w4', 'ada', '2024-12-10T12:00:00', '2024-12-10T13:00:00', 'session', 'desktop', false),
            ('w5', 'ada', '2024-12-10T12:10:00', '2024-12-10T13:00:00', 'add_to_cart', 'desktop', false),
            ('w6', 'ada', '2024-12-10T12:20:00', '2024-12-10T13:00:00', 'checkout', null, false),
            ('w7', 'ada', '2024-11-20T12:00:00', '2024-11-20T13:00:00', 'session', 'desktop', false),
            ('w8', 'ada', '2024-11-20T12:10:00', '2024-11-20T13:00:00', 'search', 'desktop', false),
            ('w9', 'ada', '2024-08-01T12:00:00', '2024-08-01T13:00:00', 'session', 'mobile', false),
            ('w10', 'ada', '2024-01-02T00:00:00', '2024-01-02T01:00:00', 'session', 'mobile', false),
            ('w11', 'ada', '2024-01-01T23:59:59', '2024-01-02T01:00:00', 'session', 'mobile', false),
            ('w12', 'ada', '2024-12-31T20:00:00', '2025-01-02T00:00:00', 'session', 'mobile', false),
            ('w13', 'cleo', '2024-12-31T08:00:00', '2024-12-31T09:00:00', 'product_view', null, false)",
    },
    Table {
        name: "support_tickets",
        columns: &[
            ("ticket_id", Text),
            ("customer_id", Text),
            ("opened_at", Time),
            ("loaded_at", Time),
            ("closed_at", Time),
            ("severity", Text),
            ("topic", Text),
            ("satisfaction", Integer),
            ("rated_at", Time),
        ],
        rows: "
            ('t1', 'ada', '2024-12-20T12:00:00', '2024-12-20T13:00:00', null, 'high', 'delivery', null, null),
            ('t2', 'ada', '2024-11-01T00:00:00', '2024-11-01T01:00:00', '2024-11-03T00:00:00', 'urgent', 'quality', 1,
                '2024-11-04T00:00:00'),
            ('t3', 'ada', '2024-06-01T00:00:00', '2024-06-01T01:00:00', '2024-06-02T00:00:00', 'low', 'other', 5,
                '2025-01-05T00:00:00'),
            ('t4', 'ada', '2024-12-25T12:00:00', '2024-12-25T13:00:00', '2025-01-03T00:00:00', null, 'other', 5,
                '2025-01-04T00:00:00'),
            ('t5', 'ada', '2024-03-01T00:00:00', '2024-03-01T01:00:00', '2024-03-02T00:00:00', 'medium', 'billing', 4,
                '2024-03-02T00:00:00')",
    },
    Table {
        name: "contacts",
        columns: &[
            ("contact_id", Text),
            ("customer_id", Text),
            ("sent_at", Time),
            ("loaded_at", Time),
            ("campaign", Text),
            ("channel", Text),
            ("intervention", Text),
            ("opened_at", Time),
            ("clicked_at", Time),
            ("converted_at", Time),
            ("unsubscribed_at", Time),
        ],
        rows: "
            ('c1', 'ada', '2024-12-20T10:00:00', '2024-12-20T11:00:00', 'news', 'email', null, '2024-12-21T10:00:00',
                '2024-12-21T11:00:00', '2024-12-21T12:00:00', null),
            ('c2', 'ada', '2024-12-05T10:00:00', '2024-12-05T11:00:00', 'news', 'email', null, '2025-01-03T10:00:00',
                '2025-01-03T11:00:00', null, null),
            ('c3', 'ada', '2024-10-20T10:00:00', '2024-10-20T11:00:00', 'keep', 'call', 'personal_call',
                '2024-10-20T10:00:00', null, null, null),
            ('c4', 'ada', '2024-05-01T10:00:00', '2024-05-01T11:00:00', 'news', 'sms', null, null, null, null,
                '2024-05-02T00:00:00')",
    },
    Table {
        name: "assignments",
        columns: &[
            ("campaign", Text),
            ("customer_id", Text),
            ("assigned_at", Time),
            ("loaded_at", Time),
            ("arm", Text),
            ("propensity", Double),
        ],
        rows: "('keep', 'ada', '2024-10-20T08:00:00', '2024-10-20T09:00:00', 'personal_call', 0.2)",
    },
    Table {
        name: "consents",
        columns: &[
            ("customer_id", Text),
            ("channel", Text),
            ("purpose", Text),
            ("changed_at", Time),
            ("loaded_at", Time),
            ("is_granted", Boolean),
        ],
        rows: "
            ('ada', 'email', 'marketing', '2024-01-01T00:00:00', '2024-01-01T01:00:00', true),
            ('ada', 'email', 'marketing', '2024-11-15T12:00:00', '2024-11-15T13:00:00', false),
            ('ada', 'sms', 'marketing', '2024-02-01T00:00:00', '2024-02-01T01:00:00', true),
            ('ada', 'sms', 'marketing', '2025-01-05T00:00:00', '2025-01-05T01:00:00', false),
            ('ada', 'push', 'marketing', '2024-12-01T00:00:00', '2024-12-01T01:00:00', false),
            ('ada', 'call', 'marketing', '2024-01-01T00:00:00', '2024-01-01T01:00:00', true),
            ('ada', 'call', 'marketing', '2024-12-01T00:00:00', '2024-12-01T01:00:00', false),
            ('ada', 'call', 'marketing', '2024-12-24T00:00:00', '2024-12-24T01:00:00', true),
            ('ada', 'email', 'service', '2024-01-01T00:00:00', '2024-01-01T01:00:00', true)",
    },
    Table {
        name: "indicators",
        columns: &[("indicator", Text), ("period", Date), ("published_at", Time), ("value", Double)],
        rows: "
            ('consumer_confidence', '2024-08-01', '2024-09-15T10:00:00', 98.0),
            ('consumer_confidence', '2024-11-01', '2024-12-15T10:00:00', 100.5),
            ('consumer_confidence', '2024-11-01', '2024-12-28T10:00:00', 101.5),
            ('consumer_confidence', '2024-12-01', '2025-01-15T10:00:00', 90.0),
            ('inflation_rate', '2024-10-01', '2024-11-15T10:00:00', 2.5)",
    },
];
