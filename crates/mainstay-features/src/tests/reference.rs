//! The SQL of the reference project over four customers whose figures were worked out by hand.

use std::path::Path;

use datafusion::prelude::{SessionContext, col};
use mainstay_config::{Project, VarOverrides};
use tempfile::TempDir;

use super::fixture::{context, cut, lines, write_parquet};
use crate::{Moment, Sources, SqlProject, pin};

struct Reference {
    ctx: SessionContext,
    project: SqlProject,
    sources: Sources,
    moment: Moment,
    _folder: TempDir,
}

impl Reference {
    /// `ada` orders, sends back and comes again; `bob` ordered once, exactly 365 days before as-of; `cleo` never ordered; `dan`
    /// lapsed and is not among the customers.
    async fn new() -> Self {
        let (ctx, folder) = (context(), TempDir::new().unwrap());
        let time = |column: &str| format!("arrow_cast({column}, 'Timestamp(Microsecond, Some(\"UTC\"))')");
        let customers = format!(
            "select column1 as customer_id, {} as valid_from, {} as signed_up_at, column4 as country, 'North' as region,
                concat(column1, '@example.org') as email, cast(1980 as integer) as birth_year, 'f' as gender
             from (values
                ('ada', '2024-01-01T00:00:00', '2024-01-01T00:00:00', 'US'),
                ('ada', '2024-06-01T00:00:00', '2024-01-01T00:00:00', 'CA'),
                ('ada', '2025-06-01T00:00:00', '2024-01-01T00:00:00', 'MX'),
                ('bob', '2023-01-01T00:00:00', '2023-01-01T00:00:00', 'US'),
                ('cleo', '2024-12-31T00:00:00', '2024-12-31T00:00:00', 'US'))",
            time("column2"),
            time("column3"),
        );
        let orders = format!(
            "select column1 as order_id, column2 as customer_id, {} as ordered_at, {} as loaded_at,
                cast(column5 as decimal(18, 2)) as gross_amount, cast(column6 as decimal(18, 2)) as discount_amount,
                cast(column7 as decimal(18, 2)) as net_amount, cast(column8 as decimal(18, 2)) as cost_amount,
                column9 as channel, column10 as is_return
             from (values
                ('o1', 'ada', '2024-12-21T12:00:00', '2024-12-21T13:00:00', 110, 10, 100, 60, 'app', false),
                ('o2', 'ada', '2024-11-21T12:00:00', '2024-11-21T13:00:00', 50, 0, 50, null, 'web', false),
                ('o3', 'ada', '2024-08-13T12:00:00', '2024-08-13T13:00:00', 40, 10, 30, 10, 'app', false),
                ('r1', 'ada', '2024-12-27T12:00:00', '2024-12-27T13:00:00', 20, 0, 20, 12, 'app', true),
                ('o4', 'ada', '2024-12-30T12:00:00', '2025-01-02T00:00:00', 900, 0, 900, 0, 'app', false),
                ('o5', 'ada', '2025-01-10T12:00:00', '2025-01-10T13:00:00', 5, 0, 5, 1, 'app', false),
                ('o6', 'bob', '2024-01-02T00:00:00', '2024-01-02T01:00:00', 40, 0, 40, null, 'web', false),
                ('r2', 'bob', '2025-01-10T12:00:00', '2025-01-10T13:00:00', 40, 0, 40, null, 'web', true),
                ('o7', 'dan', '2023-06-01T00:00:00', '2023-06-01T01:00:00', 10, 0, 10, 5, 'web', false))",
            time("column3"),
            time("column4"),
        );
        let order_lines = format!(
            "select column1 as order_id, cast(column2 as integer) as line_number, column3 as customer_id, {} as ordered_at,
                {} as loaded_at, column5 as product_id, column6 as category, cast(column7 as integer) as quantity,
                cast(1 as decimal(18, 2)) as unit_price, cast(column7 as decimal(18, 2)) as net_amount
             from (values
                ('o1', 1, 'ada', '2024-12-21T12:00:00', 'p1', 'toys', 2),
                ('o1', 2, 'ada', '2024-12-21T12:00:00', 'p2', 'tools', 1),
                ('o2', 1, 'ada', '2024-11-21T12:00:00', 'p1', 'toys', 1),
                ('r1', 1, 'ada', '2024-12-27T12:00:00', 'p1', 'toys', 1),
                ('o7', 1, 'dan', '2023-06-01T00:00:00', 'p1', 'toys', 1))",
            time("column4"),
            time("column4"),
        );
        for (name, sql) in [("customers", customers), ("orders", orders), ("order_lines", order_lines)] {
            write_parquet(&ctx, &folder.path().join(format!("{name}/part.parquet")), &sql).await;
        }
        let overrides = VarOverrides::parse(&format!("data: {}", folder.path().display())).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let config = Project::load(&root, &overrides, None).unwrap();
        let sources = Sources::open(&config, &pin(&ctx, &config.config().sources).await.unwrap()).unwrap();
        let project = SqlProject::load(&ctx, &config).await.unwrap();
        let moment = cut("2025-01-01T00:00:00Z", "2025-04-01T00:00:00Z");
        Self { ctx, project, sources, moment, _folder: folder }
    }

    async fn model(&self, name: &str) -> datafusion::prelude::DataFrame {
        self.project.model(&self.ctx, &self.sources, name, &self.moment).await.unwrap()
    }

    /// The features of a customer as `name = value`, null left empty.
    async fn features(&self, customer: &str) -> String {
        let row = self
            .model("customer_features")
            .await
            .filter(col("customer_id").eq(datafusion::prelude::lit(customer)))
            .unwrap();
        let names: Vec<String> = row.schema().fields().iter().map(|field| field.name().clone()).collect();
        let rows = lines(row).await;
        assert_eq!(rows.len(), 1);
        let cells = names.iter().zip(rows[0].split(" | "));
        cells.map(|(name, value)| format!("{name} = {value}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }
}

#[tokio::test]
async fn features_are_those_worked_out_by_hand() {
    let reference = Reference::new().await;
    insta::assert_snapshot!(reference.features("ada").await, @"
    customer_id = ada
    status = eligible
    status_reason =
    days_since_sign_up = 365.0
    days_since_last_order = 10.0
    days_since_first_order = 140.0
    orders_30d = 1.0
    orders_90d = 2.0
    orders_180d = 3.0
    orders_365d = 3.0
    order_days_365d = 3.0
    net_revenue_90d = 150.0
    net_revenue_365d = 180.0
    average_order_value_365d = 60.0
    mean_gap_days = 65.0
    gap_deviation_days = 35.0
    longest_gap_days = 100.0
    last_order_in_mean_gaps = 0.15384615384615385
    order_trend_90d = 1.5
    revenue_trend_90d = 4.870967741935484
    returns_365d = 1.0
    return_share_365d = 0.1111111111111111
    discount_share_365d = 0.1
    app_order_share_365d = 0.6666666666666666
    distinct_products_365d = 2.0
    distinct_categories_365d = 2.0
    lines_per_order_365d = 1.0
    units_per_order_365d = 1.3333333333333333
    ");
    insta::assert_snapshot!(reference.features("bob").await, @"
    customer_id = bob
    status = eligible
    status_reason =
    days_since_sign_up = 730.0
    days_since_last_order = 364.0
    days_since_first_order = 364.0
    orders_30d = 0.0
    orders_90d = 0.0
    orders_180d = 0.0
    orders_365d = 1.0
    order_days_365d = 1.0
    net_revenue_90d = 0.0
    net_revenue_365d = 40.0
    average_order_value_365d = 40.0
    mean_gap_days =
    gap_deviation_days =
    longest_gap_days =
    last_order_in_mean_gaps =
    order_trend_90d = 1.0
    revenue_trend_90d = 1.0
    returns_365d = 0.0
    return_share_365d = 0.0
    discount_share_365d = 0.0
    app_order_share_365d = 0.0
    distinct_products_365d = 0.0
    distinct_categories_365d = 0.0
    lines_per_order_365d =
    units_per_order_365d =
    ");
    insta::assert_snapshot!(reference.features("cleo").await, @"
    customer_id = cleo
    status = ineligible
    status_reason = never_ordered
    days_since_sign_up = 0.0
    days_since_last_order =
    days_since_first_order =
    orders_30d = 0.0
    orders_90d = 0.0
    orders_180d = 0.0
    orders_365d = 0.0
    order_days_365d = 0.0
    net_revenue_90d = 0.0
    net_revenue_365d = 0.0
    average_order_value_365d =
    mean_gap_days =
    gap_deviation_days =
    longest_gap_days =
    last_order_in_mean_gaps =
    order_trend_90d =
    revenue_trend_90d =
    returns_365d = 0.0
    return_share_365d =
    discount_share_365d =
    app_order_share_365d =
    distinct_products_365d = 0.0
    distinct_categories_365d = 0.0
    lines_per_order_365d =
    units_per_order_365d =
    ");
}

#[tokio::test]
async fn every_known_customer_has_a_status() {
    let reference = Reference::new().await;
    let status =
        reference.model("feat_population").await.select_columns(&["customer_id", "status", "status_reason"]).unwrap();
    let expected =
        ["ada | eligible |", "bob | eligible |", "cleo | ineligible | never_ordered", "dan | ineligible | lapsed"];
    assert_eq!(lines(status).await.iter().map(|line| line.trim_end()).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn the_label_counts_orders_in_the_horizon_and_no_returns() {
    let reference = Reference::new().await;
    assert_eq!(lines(reference.model("churned").await).await, ["ada | 0", "bob | 1"]);
}

#[tokio::test]
async fn value_is_the_margin_of_the_active_window() {
    // ada: 100 - 60 + 0.3 * 50 + 30 - 10 - (20 - 12) = 67.00 of margin, and (180 - 20) * 90 / 365 of revenue.
    let reference = Reference::new().await;
    let expected = ["ada | 6700 | 3945", "bob | 1200 | 986", "cleo | 0 | 0", "dan | 0 | 0"];
    assert_eq!(lines(reference.model("customer_value").await).await, expected);
}

#[tokio::test]
async fn a_customer_has_the_attributes_that_are_valid() {
    let reference = Reference::new().await;
    let countries = reference.model("stg_customers").await.select_columns(&["customer_id", "country"]).unwrap();
    assert_eq!(lines(countries).await, ["ada | CA", "bob | US", "cleo | US"]);
}

#[tokio::test]
async fn the_declared_tests_hold() {
    let Reference { ctx, project, sources, moment, .. } = &Reference::new().await;
    let models: Vec<&str> = project.models().map(|model| model.name.as_str()).collect();
    let results = project.run_tests(ctx, sources, &models, moment).await.unwrap();
    assert!(results.len() > 30);
    assert_eq!(results.iter().filter(|result| !result.is_passed()).collect::<Vec<_>>(), [&results[0]; 0]);
}

#[tokio::test]
async fn every_feature_is_a_double_with_a_meaning_and_a_reason() {
    let reference = Reference::new().await;
    let features = reference.model("customer_features").await;
    for field in features.schema().fields().iter().skip(3) {
        assert_eq!(field.data_type(), &datafusion::arrow::datatypes::DataType::Float64, "{}", field.name());
        let doc = reference.project.column("customer_features", field.name()).unwrap();
        assert!(doc.reason.as_ref().unwrap().contains("{value}"), "{}", field.name());
    }
}
