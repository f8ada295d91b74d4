//! The marts of the reference project over a small shop: consent, what else forbids contact, and value.

use std::fs;
use std::path::Path;

use datafusion::prelude::SessionContext;
use mainstay_config::{Project, VarOverrides};
use tempfile::TempDir;

use super::fixture::{at, context, lines, write_parquet};
use crate::{Sources, SqlProject, pin};

const ORDERS: &str = "
      - name: orders
        path: orders
        event_time: ordered_at
        key: [order_id]
        columns:
          - {name: order_id, type: text, nullable: false}
          - {name: customer_id, type: text, nullable: false}
          - {name: ordered_at, type: timestamp, nullable: false}
          - {name: gross_amount, type: money}
          - {name: discount_amount, type: money}
          - {name: net_amount, type: money, nullable: false}
          - {name: cost_amount, type: money}
          - {name: channel, type: text}
          - {name: is_return, type: boolean, nullable: false}";

// The key lets a grant and a withdrawal stand at one instant.
const CONSENTS: &str = "
      - name: consents
        path: consents
        event_time: changed_at
        known_at: loaded_at
        key: [customer_id, channel, purpose, changed_at, is_granted]
        columns:
          - {name: customer_id, type: text, nullable: false}
          - {name: channel, type: text, nullable: false}
          - {name: purpose, type: text, nullable: false}
          - {name: changed_at, type: timestamp, nullable: false}
          - {name: loaded_at, type: timestamp, nullable: false}
          - {name: is_granted, type: boolean, nullable: false}";

// `closed_at` is visible from the start: a case that is closed after as-of is open all the same.
const TICKETS: &str = "
      - name: support_tickets
        path: support_tickets
        event_time: opened_at
        key: [ticket_id]
        columns:
          - {name: ticket_id, type: text, nullable: false}
          - {name: customer_id, type: text, nullable: false}
          - {name: opened_at, type: timestamp, nullable: false}
          - {name: closed_at, type: timestamp}
          - {name: severity, type: text}
          - {name: topic, type: text}
          - {name: satisfaction, type: integer}";

const CONTACTS: &str = "
      - name: contacts
        path: contacts
        event_time: sent_at
        key: [contact_id]
        columns:
          - {name: contact_id, type: text, nullable: false}
          - {name: customer_id, type: text, nullable: false}
          - {name: sent_at, type: timestamp, nullable: false}
          - {name: channel, type: text}
          - {name: intervention, type: text}
          - {name: opened_at, type: timestamp}
          - {name: clicked_at, type: timestamp}
          - {name: converted_at, type: timestamp}
          - {name: unsubscribed_at, type: timestamp}";

/// What the marts are built on, as the reference project has it.
const MODELS: [&str; 12] = [
    "staging/stg_orders",
    "staging/stg_consents",
    "staging/stg_refused_consents",
    "staging/stg_refused_contacts",
    "staging/stg_refused_support_tickets",
    "staging/stg_support_tickets",
    "staging/stg_contacts",
    "features/feat_population",
    "marts/customer_consents",
    "marts/customer_contact_rules",
    "marts/customer_order_totals",
    "marts/customer_value",
];

const SETTINGS: &str = "
name: shop
time_zone: UTC
currency: USD
consent_default: allow
default_target: local
targets: {local: {path: lake}}
vars: {active_days: 365, horizon_days: 90, value_horizon_days: 365, margin_rate: 0.30, consent_purpose: marketing}
sources:
  - name: retailer
    path: .
    tables:";

/// A project with the marts over tables of its own.
struct Shop {
    ctx: SessionContext,
    folder: TempDir,
}

impl Shop {
    fn new(tables: &[&str]) -> Self {
        let shop = Self { ctx: context(), folder: TempDir::new().unwrap() };
        fs::write(shop.folder.path().join("mainstay.yml"), format!("{SETTINGS}{}\n", tables.concat())).unwrap();
        let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql");
        for file in MODELS.into_iter().flat_map(|model| [format!("{model}.sql"), format!("{model}.yml")]) {
            shop.write_sql(&file, &fs::read_to_string(reference.join(&file)).unwrap());
        }
        let customers =
            "select customer_id, min(ordered_at) as signed_up_at from {{ ref('stg_orders') }} group by customer_id";
        shop.write_sql("staging/stg_customers.sql", customers);
        shop
    }

    fn write_sql(&self, file: &str, text: &str) {
        let path = self.folder.path().join("sql").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    async fn write(&self, table: &str, sql: &str) {
        let path = self.folder.path().join(table).join("part.parquet");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_parquet(&self.ctx, &path, sql).await;
    }

    /// Rows of (order_id, customer_id, ordered_at, net_amount, cost_amount, is_return).
    async fn write_orders(&self, rows: &str) {
        let sql = format!(
            "select column1 as order_id, column2 as customer_id, {} as ordered_at,
                cast(null as decimal(18, 2)) as gross_amount, cast(null as decimal(18, 2)) as discount_amount,
                cast(column4 as decimal(18, 2)) as net_amount, cast(column5 as decimal(18, 2)) as cost_amount,
                'web' as channel, column6 as is_return
             from (values {rows})",
            time("column3")
        );
        self.write("orders", &sql).await;
    }

    async fn model(&self, name: &str, vars: &str) -> Result<Vec<String>, datafusion::error::DataFusionError> {
        let project = Project::load(self.folder.path(), &VarOverrides::parse(vars).unwrap(), None).unwrap();
        let pinned = pin(&self.ctx, &project.config().sources).await.unwrap();
        let sources = Sources::open(&project, &pinned).unwrap();
        let sql = SqlProject::load(&self.ctx, &project).await.unwrap();
        let rows = sql.model(&self.ctx, &sources, name, &at("2025-01-01T00:00:00Z")).await.unwrap();
        rows.clone().collect().await?;
        Ok(lines(rows).await)
    }
}

fn time(column: &str) -> String {
    format!("arrow_cast(cast({column} as varchar), 'Timestamp(Microsecond, Some(\"UTC\"))')")
}

const ONE_ORDER_EACH: &str = "('o1', 'ada', '2024-12-01T00:00:00', 10, 5, false),
    ('o2', 'bob', '2024-12-01T00:00:00', 10, 5, false), ('o3', 'cleo', '2024-12-01T00:00:00', 10, 5, false),
    ('o4', 'dan', '2024-12-01T00:00:00', 10, 5, false)";

#[tokio::test]
async fn the_newest_consent_that_was_known_holds() {
    let shop = Shop::new(&[ORDERS, CONSENTS]);
    shop.write_orders(ONE_ORDER_EACH).await;
    let consents = format!(
        "select column1 as customer_id, column2 as channel, column3 as purpose, {} as changed_at, {} as loaded_at, column6 as is_granted
         from (values
            ('ada', 'email', 'marketing', '2024-01-01T00:00:00', '2024-01-01T00:00:00', true),
            ('ada', 'email', 'marketing', '2024-05-01T00:00:00', '2024-05-01T00:00:00', false),
            ('ada', 'email', 'profiling', '2024-06-01T00:00:00', '2024-06-01T00:00:00', true),
            ('ada', 'call', 'marketing', '2024-05-01T00:00:00', '2024-05-01T00:00:00', false),
            ('ada', 'call', 'marketing', '2024-06-01T00:00:00', '2024-06-01T00:00:00', true),
            ('bob', 'email', 'marketing', '2024-05-01T00:00:00', '2024-05-01T00:00:00', true),
            ('bob', 'email', 'marketing', '2024-05-01T00:00:00', '2024-05-01T00:00:00', false),
            ('cleo', 'email', 'marketing', '2024-12-31T23:59:59', '2024-12-31T23:59:59', true),
            ('cleo', 'email', 'marketing', '2025-01-01T00:00:00', '2025-01-01T00:00:00', false),
            ('dan', 'email', 'marketing', '2024-05-01T00:00:00', '2024-05-01T00:00:00', false),
            ('dan', 'email', 'marketing', '2024-12-30T00:00:00', '2025-01-02T00:00:00', true))",
        time("column4"),
        time("column5"),
    );
    shop.write("consents", &consents).await;
    insta::assert_snapshot!(shop.model("customer_consents", "").await.unwrap().join("\n"), @"
    ada | call | marketing | 2024-06-01T00:00:00Z | 2024-05-01T00:00:00Z |  | true
    ada | email | marketing | 2024-01-01T00:00:00Z | 2024-05-01T00:00:00Z |  | false
    ada | email | profiling | 2024-06-01T00:00:00Z |  |  | true
    bob | email | marketing | 2024-05-01T00:00:00Z | 2024-05-01T00:00:00Z |  | false
    cleo | email | marketing | 2024-12-31T23:59:59Z |  |  | true
    dan | email | marketing |  | 2024-05-01T00:00:00Z |  | false
    ");
}

#[tokio::test]
async fn cases_are_open_until_they_are_closed_and_contacts_count_whole_days() {
    let shop = Shop::new(&[ORDERS, TICKETS, CONTACTS]);
    shop.write_orders(ONE_ORDER_EACH).await;
    let tickets = format!(
        "select column1 as ticket_id, column2 as customer_id, {} as opened_at, {} as closed_at, 'low' as severity,
            'delivery' as topic, cast(null as integer) as satisfaction
         from (values
            ('t1', 'ada', '2024-12-01T00:00:00', null),
            ('t2', 'ada', '2024-12-01T00:00:00', '2025-01-01T00:00:00'),
            ('t3', 'bob', '2024-12-01T00:00:00', '2024-12-31T23:59:59'),
            ('t4', 'cleo', '2025-01-01T00:00:00', null),
            ('t5', 'stranger', '2024-12-01T00:00:00', null))",
        time("column3"),
        time("column4"),
    );
    shop.write("support_tickets", &tickets).await;
    let contacts = format!(
        "select column1 as contact_id, column2 as customer_id, {} as sent_at, 'email' as channel, column4 as intervention,
            {never} as opened_at, {never} as clicked_at, {never} as converted_at, {never} as unsubscribed_at
         from (values
            ('c1', 'ada', '2024-06-01T00:00:00', 'discount_email'),
            ('c2', 'ada', '2024-12-02T00:00:00', 'discount_email'),
            ('c3', 'ada', '2024-12-30T00:00:00', null),
            ('c4', 'bob', '2024-12-01T23:59:59', 'reminder_email'),
            ('c5', 'cleo', '2024-12-31T23:59:59', 'personal_call'),
            ('c6', 'dan', '2025-01-01T00:00:00', 'personal_call'))",
        time("column3"),
        never = time("null"),
    );
    shop.write("contacts", &contacts).await;
    // With 30 days of cooldown ada is within it, 30 days before as-of to the second, and bob is not.
    insta::assert_snapshot!(shop.model("customer_contact_rules", "").await.unwrap().join("\n"), @"
    ada | 2 | 2024-12-02T00:00:00Z | 29
    bob | 0 | 2024-12-01T23:59:59Z | 30
    cleo | 0 | 2024-12-31T23:59:59Z | 0
    dan | 0 |  |
    ");
}

#[tokio::test]
async fn without_sources_there_is_no_consent_no_case_and_no_contact() {
    let shop = Shop::new(&[ORDERS]);
    shop.write_orders(ONE_ORDER_EACH).await;
    assert_eq!(shop.model("customer_consents", "").await.unwrap(), [""; 0]);
    let rules = shop.model("customer_contact_rules", "").await.unwrap();
    assert_eq!(rules, ["ada | 0 |  | ", "bob | 0 |  | ", "cleo | 0 |  | ", "dan | 0 |  | "]);
}

#[tokio::test]
async fn value_is_whole_cents_and_never_below_zero() {
    let shop = Shop::new(&[ORDERS]);
    // ada: 0.30 of 0.05 is 0.015, two cents each; bob sells below cost; cleo sends back more than she keeps; dan has 1000.01.
    shop.write_orders(
        "('o1', 'ada', '2024-12-01T00:00:00', 0.05, null, false), ('o2', 'ada', '2024-12-02T00:00:00', 0.05, null, false),
         ('o3', 'bob', '2024-12-01T00:00:00', 10, 12.34, false),
         ('o4', 'cleo', '2024-12-01T00:00:00', 10, 5, false), ('o5', 'cleo', '2024-12-02T00:00:00', 30, 15, true),
         ('o6', 'dan', '2024-12-01T00:00:00', 1000.01, 0, false)",
    )
    .await;
    let value = shop.model("customer_value", "value_horizon_days: 100").await.unwrap();
    // 4 * 100 / 365 = 1.09; 100001 * 100 / 365 = 27397.5; 1000 * 90 / 365 = 246.5; 100001 * 90 / 365 = 24657.7.
    assert_eq!(value, ["ada | 1 | 2", "bob | 0 | 246", "cleo | 0 | 0", "dan | 27397 | 24657"]);
}

#[tokio::test]
async fn the_largest_amounts_are_exact_and_what_does_not_fit_is_an_error() {
    let shop = Shop::new(&[ORDERS]);
    let largest = "9999999999999999.99";
    let row = |order: usize| format!("('o{order}', 'ada', '2024-12-01T00:00:00', '{largest}', 0, false)");
    let rows = |orders: usize| (0..orders).map(row).collect::<Vec<_>>().join(", ");
    shop.write_orders(&rows(9)).await;
    let value = shop.model("customer_value", "horizon_days: 365").await.unwrap();
    assert_eq!(value, ["ada | 8999999999999999991 | 8999999999999999991"]);
    shop.write_orders(&rows(10)).await;
    let error = shop.model("customer_value", "").await.unwrap_err().to_string();
    assert!(error.contains("9999999999999999990") && error.contains("Int64"), "{error}");
}

#[tokio::test]
async fn value_agrees_with_integers_on_random_orders() {
    let shop = Shop::new(&[ORDERS]);
    let mut seed = 7_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i128::from((seed >> 33) % below)
    };
    let (mut rows, mut margins) = (Vec::new(), vec![0_i128; 20]);
    for order in 0..400 {
        let (customer, net, is_return) = (order % 20, random(100_000), random(4) == 0);
        let cost = (random(3) > 0).then(|| random(120_000));
        // Half a cent goes up: 0.30 of a whole number of cents has no other fraction to round than of tenths.
        let margin = cost.map_or((net * 3 + 5) / 10, |cost| net - cost);
        margins[customer] += if is_return { -margin } else { margin };
        let money = |cents: i128| format!("{}.{:02}", cents / 100, cents % 100);
        let cost = cost.map_or("null".to_owned(), |cost| format!("'{}'", money(cost)));
        rows.push(format!(
            "('o{order}', 'c{customer:02}', '2024-12-01T00:00:00', '{}', {cost}, {is_return})",
            money(net)
        ));
    }
    shop.write_orders(&rows.join(", ")).await;
    let value = shop.model("customer_value", "value_horizon_days: 90").await.unwrap();
    let found = value.iter().map(|line| line.split(" | ").nth(1).unwrap().parse::<i128>().unwrap());
    assert_eq!(found.collect::<Vec<_>>(), margins.iter().map(|margin| (margin * 90 / 365).max(0)).collect::<Vec<_>>());
    assert!(margins.iter().any(|margin| *margin < 0) && margins.iter().any(|margin| *margin > 0));
}
