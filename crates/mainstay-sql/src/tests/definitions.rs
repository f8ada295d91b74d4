//! A column's definition changes with what the column means, and with nothing else.

use std::path::Path;

use mainstay_config::{Project, VarOverrides};
use mainstay_schema::definition::Definitions;

use super::fixture::{Fixture, context};
use crate::SqlProject;

const ORDERS: &str = "
with recent as (
    select order_id, net_amount, ordered_at from {{ ref('stg_orders') }}
    where ordered_at >= {{ as_of }} - interval '{{ var('active_days') }}' day
)

select order_id, count(*) as orders, sum(net_amount) as revenue, max(ordered_at) as last_at
from recent group by order_id
";
const WEIGHTS: &str = "
select order_id, sum(\"Weight kg\") as weight from {{ ref('stg_orders') }} group by order_id
";
const FEATURES: &str = "
select everyone.order_id, orders.orders, orders.revenue, weights.weight
from {{ ref('feat_everyone') }} as everyone
left join {{ ref('feat_orders') }} as orders on everyone.order_id = orders.order_id
left join {{ ref('feat_weights') }} as weights on everyone.order_id = weights.order_id
";

fn fixture(edits: &[(&str, &str, &str)]) -> Fixture {
    let fixture = Fixture::with_staging();
    let everyone = "select distinct order_id from {{ ref('stg_orders') }}";
    let files =
        [("feat_everyone", everyone), ("feat_orders", ORDERS), ("feat_weights", WEIGHTS), ("features", FEATURES)];
    for (name, sql) in files {
        let mut sql = sql.to_owned();
        for (_, from, to) in edits.iter().filter(|(of, ..)| *of == name) {
            assert!(sql.contains(from), "{name} has no `{from}`");
            sql = sql.replace(from, to);
        }
        fixture.write(&format!("sql/features/{name}.sql"), sql);
    }
    fixture
}

async fn definitions(fixture: &Fixture) -> Definitions {
    let project = fixture.load().await.unwrap_or_else(|error| panic!("{}", fixture.message(&error)));
    project.definitions(&fixture.ctx, "features", &[]).await.unwrap()
}

/// The columns whose definition an edit changes.
async fn changed(edits: &[(&str, &str, &str)]) -> Vec<String> {
    let (before, now) = (definitions(&fixture(&[])).await, definitions(&fixture(edits)).await);
    let columns: Vec<&str> = before.columns.keys().map(String::as_str).collect();
    before.changes(&now, columns).unwrap().columns
}

#[tokio::test]
async fn another_expression_changes_its_column_alone() {
    assert_eq!(changed(&[("feat_orders", "sum(net_amount)", "sum(net_amount) * 24")]).await, ["revenue"]);
    assert_eq!(changed(&[("features", "weights.weight", "coalesce(weights.weight, 0) as weight")]).await, ["weight"]);
    assert_eq!(changed(&[("feat_orders", "count(*)", "count(*) filter (where net_amount > 5)")]).await, ["orders"]);
}

#[tokio::test]
async fn another_filter_or_group_changes_what_is_summed_over_it() {
    assert_eq!(changed(&[("feat_orders", "ordered_at >=", "ordered_at >")]).await, ["orders", "revenue"]);
    assert_eq!(changed(&[("feat_orders", "day\n)", "day and net_amount > 5\n)")]).await, ["orders", "revenue"]);
    let other_rows = [(
        "feat_everyone",
        "order_id from {{ ref('stg_orders') }}",
        "order_id from {{ ref('stg_orders') }} where net_amount > 5",
    )];
    assert_eq!(
        changed(&other_rows).await,
        ["order_id", "orders", "revenue", "weight"],
        "other rows are other features"
    );
    assert_eq!(
        changed(&[("features", "left join {{ ref('feat_weights') }}", "join {{ ref('feat_weights') }}")]).await.len(),
        4
    );
}

#[tokio::test]
async fn blanks_comments_aliases_and_names_on_the_way_change_nothing() {
    let edits = [
        ("feat_orders", "with recent as (", "-- What is recent.\nwith   newest as ("),
        ("feat_orders", "from recent", "from /* all of it */ newest"),
        ("feat_orders", "sum(net_amount) as revenue", "sum(net_amount) as money"),
        ("features", "orders.revenue", "o.money as revenue"),
        ("features", "orders.orders", "o.orders"),
        ("features", "as orders on everyone.order_id = orders.order_id", "as o on everyone.order_id = o.order_id"),
    ];
    assert!(changed(&edits).await.is_empty());
    // A column that no feature reads.
    assert!(changed(&[("feat_orders", "max(ordered_at) as last_at", "min(ordered_at) as last_at")]).await.is_empty());
    assert!(changed(&[("features", "weights.weight", "weights.weight, 1 as another")]).await.is_empty());
}

#[tokio::test]
async fn a_variable_is_named_with_its_value_and_changes_what_reads_it() {
    let fixture = fixture(&[]);
    let project = fixture.load().await.unwrap();
    let learnt = project.definitions(&fixture.ctx, "features", &[]).await.unwrap();
    assert_eq!(learnt.variables.iter().collect::<Vec<_>>(), [(&"active_days".to_owned(), &"365".to_owned())]);
    let shorter = project.with_variables(&[("active_days".to_owned(), "60".to_owned())].into());
    let now = shorter.definitions(&fixture.ctx, "features", &[]).await.unwrap();
    let changes = learnt.changes(&now, ["orders", "revenue", "weight"]).unwrap();
    assert_eq!(changes.columns, ["orders", "revenue"]);
    assert_eq!((changes.variables[0].name.as_str(), changes.variables[0].now.as_deref()), ("active_days", Some("60")));
    let as_before = shorter.with_variables(&learnt.variables).definitions(&fixture.ctx, "features", &[]).await.unwrap();
    assert_eq!(as_before, learnt);
}

async fn reference(vars: &str, partitions: usize) -> (SqlProject, Definitions) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let config = Project::load(&root, &VarOverrides::parse(vars).unwrap(), None).unwrap();
    let ctx = context();
    ctx.state_ref().write().config_mut().options_mut().execution.target_partitions = partitions;
    let project = SqlProject::load(&ctx, &config).await.unwrap();
    let definitions = project.definitions(&ctx, "customer_features", &["churned"]).await.unwrap();
    (project, definitions)
}

#[tokio::test]
async fn every_column_of_the_reference_project_has_a_definition() {
    let (_, definitions) = reference("", 2).await;
    assert_eq!((definitions.scheme, definitions.columns.len()), (3, 102));
    let read: Vec<&str> = definitions.variables.keys().map(String::as_str).collect();
    assert_eq!(read, ["active_days", "consent_purpose", "horizon_days", "margin_rate"]);
}

#[tokio::test]
async fn neither_partitions_nor_where_the_data_lie_have_a_part_in_a_definition() {
    let (_, two) = reference("", 2).await;
    let (_, many) = reference("{data: /elsewhere, lake: /another}", 64).await;
    assert_eq!(many, two);
    let (_, shorter) = reference("active_days: 60", 2).await;
    let columns: Vec<&str> = two.columns.keys().map(String::as_str).collect();
    assert_eq!(two.changes(&shorter, columns).unwrap().columns, ["status", "status_reason"]);
}

#[tokio::test]
async fn another_time_zone_of_a_source_changes_what_is_read_of_it() {
    let (before, now) = (fixture(&[]), fixture(&[]));
    let yml = std::fs::read_to_string(now.path("mainstay.yml")).unwrap();
    now.write("mainstay.yml", yml.replace("    path: data\n", "    path: data\n    time_zone: Europe/Paris\n"));
    let changes = definitions(&before).await.changes(&definitions(&now).await, ["revenue", "weight"]).unwrap();
    assert_eq!(changes.columns, ["revenue", "weight"]);
    let zone = &changes.time_zones[0];
    assert_eq!(
        (changes.time_zones.len(), zone.table.as_str(), zone.before.as_str(), zone.now.as_str()),
        (1, "shop.orders", "UTC", "Europe/Paris")
    );
    let learnt = definitions(&before).await;
    let as_before = now.load().await.unwrap().with_time_zones(&learnt.time_zones);
    assert_eq!(as_before.definitions(&now.ctx, "features", &[]).await.unwrap(), learnt);
}
