//! Point in time: what is seen as of a day follows from what was known by then, and from nothing that came after.

use std::collections::BTreeMap;

use super::fixture::{Fixture, at, lines};

const TICKETS: &str = "
      - name: tickets
        path: tickets
        event_time: opened_at
        known_at: loaded_at
        key: [ticket_id]
        keep: first_known
        references: [{column: order_id, table: orders, key: order_id}]
        columns:
          - {name: ticket_id, type: text}
          - {name: order_id, type: text}
          - {name: opened_at, type: timestamp, nullable: false}
          - {name: loaded_at, type: timestamp}
          - {name: severity, type: integer, minimum: 1}
          - {name: closed_at, type: timestamp, visible_from: closed_at, not_before: opened_at}
          - {name: rating, type: integer, nullable: false, minimum: 1, maximum: 5, visible_from: rated_at}
          - {name: rated_at, type: timestamp, visible_from: rated_at, not_before: closed_at}
";

const MODELS: [&str; 2] = ["stg_ids", "stg_tickets"];

/// Times are whole days, none of them beyond `DAYS`.
const DAYS: u64 = 8;

type Day = Option<u64>;

#[derive(Clone)]
struct Order {
    id: u64,
    ordered: u64,
    loaded: Day,
    amount: i64,
}

#[derive(Clone)]
struct Ticket {
    id: Option<u64>,
    order: Option<u64>,
    opened: u64,
    loaded: Day,
    severity: i64,
    closed: Day,
    rating: Option<u64>,
    rated: Day,
}

/// A source with rows that come late, change, repeat, contradict each other and break rules.
#[derive(Clone)]
struct Data {
    orders: Vec<Order>,
    tickets: Vec<Ticket>,
}

impl Data {
    fn random(seed: u64) -> Self {
        let mut state = seed;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let orders = (0..24).map(|_| Order {
            id: random(12),
            ordered: random(DAYS),
            loaded: Some(random(DAYS)).filter(|&day| day > 0),
            amount: random(8) as i64 - 1,
        });
        let orders = orders.collect();
        let tickets = (0..300).map(|_| Ticket {
            id: Some(random(90)).filter(|&id| id > 0),
            order: Some(random(14)).filter(|&id| id > 0),
            opened: random(DAYS),
            loaded: Some(random(DAYS)).filter(|&day| day > 0),
            severity: random(3) as i64,
            closed: Some(random(DAYS)).filter(|&day| day > 2),
            rating: Some(random(8)).filter(|&rating| rating < 7),
            rated: Some(random(DAYS)).filter(|&day| day > 2),
        });
        Self { orders, tickets: tickets.collect() }
    }

    /// What was known before a day: the rows that were, without the values that had not come.
    fn as_known_before(&self, day: u64) -> Self {
        let is_known = |happened: u64, loaded: Day| loaded.unwrap_or(happened) < day;
        let orders = self.orders.iter().filter(|order| is_known(order.ordered, order.loaded));
        let tickets = self.tickets.iter().filter(|ticket| is_known(ticket.opened, ticket.loaded));
        let tickets = tickets.map(|ticket| Ticket {
            closed: ticket.closed.filter(|&closed| closed < day),
            rating: ticket.rating.filter(|_| ticket.rated.is_some_and(|rated| rated < day)),
            rated: ticket.rated.filter(|&rated| rated < day),
            ..ticket.clone()
        });
        Self { orders: orders.cloned().collect(), tickets: tickets.collect() }
    }

    async fn fixture(&self, keep: &str) -> Fixture {
        let fixture = Fixture::with_tables(&TICKETS.replace("keep: first_known", &format!("keep: {keep}")));
        let orders = self.orders.iter().map(|Order { id, ordered, loaded, amount }| {
            format!("('o{id}', {}, {}, {amount})", time(Some(*ordered)), time(*loaded))
        });
        // A file without rows has no types, so each begins with a row of its own.
        let orders = ["('first', '2025-01-01T00:00:00', null, 1)".to_owned()].into_iter().chain(orders);
        fixture.write_orders("a.parquet", &orders.collect::<Vec<_>>().join(", ")).await;
        let tickets = self.tickets.iter().map(|ticket| {
            let text = |id: Option<u64>, kind: char| id.map_or("null".to_owned(), |id| format!("'{kind}{id}'"));
            let number = |number: Option<u64>| number.map_or("null".to_owned(), |number| number.to_string());
            format!(
                "({}, {}, {}, {}, {}, {}, {}, {})",
                text(ticket.id, 't'),
                text(ticket.order, 'o'),
                time(Some(ticket.opened)),
                time(ticket.loaded),
                ticket.severity,
                time(ticket.closed),
                number(ticket.rating),
                time(ticket.rated)
            )
        });
        let first = "('first', 'first', '2025-01-01T00:00:00', null, 1, null, null, null)".to_owned();
        let tickets = [first].into_iter().chain(tickets).collect::<Vec<_>>().join(", ");
        let instant = |column: usize| format!("arrow_cast(column{column}, 'Timestamp(Microsecond, None)')");
        let sql = format!(
            "select cast(column1 as varchar) as ticket_id, cast(column2 as varchar) as order_id, {} as opened_at,
                {} as loaded_at, cast(column5 as integer) as severity, {} as closed_at, cast(column7 as integer) as rating,
                {} as rated_at from (values {tickets})",
            instant(3),
            instant(4),
            instant(6),
            instant(8)
        );
        fixture.write_query("data/tickets/a.parquet", &sql).await;
        fixture.write("sql/staging/stg_tickets.sql", "select * from {{ source('shop', 'tickets') }}");
        fixture.write("sql/staging/stg_ids.sql", "select order_id, net_amount from {{ source('shop', 'orders') }}");
        fixture
    }
}

fn time(day: Day) -> String {
    day.map_or("null".to_owned(), |day| format!("'2025-01-{:02}T00:00:00'", 10 + day))
}

fn before(day: u64) -> crate::Moment {
    at(&format!("2025-01-{:02}T00:00:00Z", 10 + day))
}

/// What is refused but for references: a row that names none yet is late where the other comes, broken where it never does.
async fn refused(fixture: &Fixture, sources: &crate::Sources, day: u64) -> Vec<String> {
    let batches = sources.quarantine(&fixture.ctx, before(day).as_of).await.unwrap();
    match batches.is_empty() {
        true => Vec::new(),
        false => {
            let all = lines(fixture.ctx.read_batches(batches).unwrap()).await;
            all.into_iter().filter(|line| !line.contains("names no row of")).collect()
        }
    }
}

#[tokio::test]
async fn a_day_is_the_same_from_all_data_as_from_what_was_known_by_then() {
    for (keep, seed) in [("first_known", 1), ("latest_known", 2), ("first_known", 3), ("latest_known", 4)] {
        let data = Data::random(seed);
        let full = data.fixture(keep).await;
        let (project, sources) = (full.load().await.unwrap(), full.sources().await);
        let mut seen = 0;
        for day in 1..=DAYS {
            let known = data.as_known_before(day).fixture(keep).await;
            for model in MODELS {
                let rows = project.model(&full.ctx, &sources, model, &before(day)).await.unwrap();
                let rows = lines(rows).await;
                assert_eq!(rows, known.rows(model, &before(day)).await, "{model}, {keep}, seed {seed}, day {day}");
                seen += rows.len();
            }
            let expected = refused(&known, &known.sources().await, day).await;
            assert_eq!(refused(&full, &sources, day).await, expected, "quarantine, {keep}, seed {seed}, day {day}");
        }
        assert!(seen > 200, "only {seen} rows were compared");
    }
}

/// The newest version of each ticket, found the slow way.
#[tokio::test]
async fn the_newest_known_version_of_a_row_stands_and_none_is_quarantined() {
    let data = Data::random(5);
    let fixture = data.fixture("latest_known").await;
    let (project, sources) = (fixture.load().await.unwrap(), fixture.sources().await);
    let first_named: BTreeMap<u64, u64> =
        data.orders.iter().filter(|order| order.amount >= 0).fold(BTreeMap::new(), |mut first, order| {
            let seen = order.ordered.max(order.loaded.unwrap_or(order.ordered));
            first.entry(order.id).and_modify(|first: &mut u64| *first = seen.min(*first)).or_insert(seen);
            first
        });
    for day in 1..=DAYS {
        let mut newest: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        let mut without_id = 0;
        for ticket in &data.tickets {
            let known = ticket.loaded.unwrap_or(ticket.opened);
            let names = ticket.order.is_none_or(|order| first_named.get(&order).is_some_and(|&seen| seen < day));
            if known >= day || ticket.severity < 1 || !names {
                continue;
            }
            let Some(id) = ticket.id else {
                without_id += usize::from(ticket.opened < day);
                continue;
            };
            let version = (known, ticket.opened);
            newest.entry(id).and_modify(|newest| *newest = version.max(*newest)).or_insert(version);
        }
        let mut expected: Vec<String> = newest
            .iter()
            .filter(|(_, (_, opened))| *opened < day)
            .map(|(id, (_, opened))| format!("t{id} | 2025-01-{:02}T00:00:00Z", 10 + opened))
            .chain(["first | 2025-01-01T00:00:00Z".to_owned()])
            .collect();
        expected.sort();
        let rows = project.model(&fixture.ctx, &sources, "stg_tickets", &before(day)).await.unwrap();
        let rows = lines(rows.select_columns(&["ticket_id", "opened_at"]).unwrap()).await;
        let (no_id, identified): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.starts_with(" |"));
        assert_eq!((no_id.len(), identified), (without_id, expected), "day {day}");
        let refused = refused(&fixture, &sources, day).await;
        assert!(!refused.iter().any(|line| line.contains("tickets | duplicate key")), "{refused:?}");
    }
}

#[tokio::test]
async fn an_update_takes_the_place_of_its_row_once_it_is_known() {
    let ticket = |loaded, severity, closed| Ticket {
        id: Some(1),
        order: None,
        opened: 0,
        loaded: Some(loaded),
        severity,
        closed,
        rating: None,
        rated: None,
    };
    // The last two come at once: the lesser severity stands, whatever becomes visible of the other.
    let tickets =
        vec![ticket(1, 1, None), ticket(3, 2, Some(2)), ticket(5, 0, None), ticket(6, 4, Some(7)), ticket(6, 3, None)];
    let fixture = Data { orders: Vec::new(), tickets }.fixture("latest_known").await;
    fixture.write(
        "sql/staging/stg_tickets.sql",
        "select severity, closed_at from {{ source('shop', 'tickets') }} where ticket_id = 't1'",
    );
    let rows = async |day| fixture.rows("stg_tickets", &before(day)).await.join(", ");
    assert_eq!(rows(1).await, "");
    assert_eq!(rows(2).await, "1 | ");
    assert_eq!(rows(3).await, "1 | ");
    assert_eq!(rows(4).await, "2 | 2025-01-12T00:00:00Z");
    assert_eq!(rows(6).await, "2 | 2025-01-12T00:00:00Z", "a version that breaks a rule is none");
    assert_eq!(rows(7).await, "3 | ");
    assert_eq!(rows(8).await, "3 | ");
    assert_eq!(fixture.refused(&before(8)).await, ["shop.tickets | severity is below 1"]);
}
