//! The SQL of the reference project over four customers whose figures were worked out by hand.

mod planning;
mod retailer;

use std::path::Path;

use datafusion::prelude::{SessionContext, col};
use mainstay_config::{Project, VarOverrides};
use tempfile::TempDir;

use super::fixture::{context, cut, lines};
use crate::{Moment, Sources, SqlProject, pin};

struct Reference {
    ctx: SessionContext,
    project: SqlProject,
    sources: Sources,
    moment: Moment,
    _folder: TempDir,
}

impl Reference {
    async fn new() -> Self {
        let (ctx, folder) = (context(), TempDir::new().unwrap());
        retailer::write(&ctx, folder.path()).await;
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
    active_share_of_tenure = 0.9285714285714286
    orders_7d = 0.0
    orders_30d = 1.0
    orders_90d = 2.0
    orders_180d = 3.0
    orders_365d = 3.0
    order_days_365d = 3.0
    order_days_per_month = 0.6382978723404256
    orders_half_life_30d = 1.5625
    orders_same_season = 0.0
    net_revenue_30d = 100.0
    net_revenue_90d = 150.0
    net_revenue_180d = 180.0
    net_revenue_365d = 180.0
    average_order_value_365d = 60.0
    order_value_deviation_365d = 29.43920288775949
    smallest_order_365d = 30.0
    largest_order_365d = 100.0
    last_order_in_average_values = 1.6666666666666667
    mean_gap_days = 65.0
    gap_deviation_days = 35.0
    longest_gap_days = 100.0
    last_gap_days = 30.0
    recent_mean_gap_days = 65.0
    last_gap_in_mean_gaps = 0.46153846153846156
    last_order_in_mean_gaps = 0.15384615384615385
    overdue_in_deviations = -1.5714285714285714
    longer_gap_share = 1.0
    order_trend_30d = 1.0
    order_trend_90d = 1.5
    order_trend_180d = 4.0
    revenue_trend_90d = 4.870967741935484
    days_since_last_return = 4.0
    returned_since_last_order = 1.0
    returns_365d = 1.0
    return_share_365d = 0.1111111111111111
    discount_share_365d = 0.1
    discounted_order_share_365d = 0.6666666666666666
    app_order_share_365d = 0.6666666666666666
    store_order_share_365d = 0.0
    distinct_products_365d = 3.0
    distinct_products_90d = 2.0
    distinct_categories_365d = 2.0
    distinct_categories_90d = 2.0
    main_category_share_365d = 0.6666666666666666
    repeat_product_share_365d = 0.3333333333333333
    average_unit_price_365d = 2.0
    days_since_last_session = 1.0
    sessions_7d = 1.0
    sessions_30d = 2.0
    sessions_90d = 3.0
    sessions_365d = 5.0
    session_trend_30d = 1.5
    session_trend_90d = 2.0
    session_share_30d = 0.4
    product_views_90d = 1.0
    views_per_session_90d = 0.3333333333333333
    searches_90d = 1.0
    carts_90d = 2.0
    carts_without_checkout_90d = 1.0
    errors_30d = 1.0
    error_share_90d = 0.125
    mobile_share_90d = 0.42857142857142855
    days_since_last_ticket = 6.0
    open_tickets = 2.0
    tickets_30d = 2.0
    tickets_90d = 3.0
    tickets_365d = 5.0
    severe_tickets_90d = 2.0
    unsolved_ticket_share_365d = 0.4
    mean_days_to_close_365d = 1.3333333333333333
    mean_satisfaction_365d = 2.5
    lowest_satisfaction_90d = 1.0
    days_since_last_offer = 72.0
    days_since_last_open = 10.0
    contacts_30d = 2.0
    contacts_90d = 3.0
    opened_contacts_30d = 1.0
    opened_contacts_90d = 2.0
    clicked_contacts_90d = 1.0
    open_share_90d = 0.6666666666666666
    open_share_365d = 0.5
    unsubscribed_365d = 1.0
    consented_channels = 2.0
    consents_withdrawn_90d = 1.0
    days_since_consent_withdrawn = 46.0
    lines_per_order_365d = 1.3333333333333333
    units_per_order_365d = 1.6666666666666667
    lines_per_order_90d = 1.5
    sessions_per_order_90d = 1.0
    consumer_confidence = 101.5
    consumer_confidence_change_3m = 3.5
    inflation_rate = 2.5
    inflation_rate_change_3m =
    unemployment_rate =
    unemployment_rate_change_3m =
    ");
    insta::assert_snapshot!(reference.features("bob").await, @"
    customer_id = bob
    status = eligible
    status_reason =
    days_since_sign_up = 730.0
    days_since_last_order = 364.0
    days_since_first_order = 364.0
    active_share_of_tenure = 0.0
    orders_7d = 0.0
    orders_30d = 0.0
    orders_90d = 0.0
    orders_180d = 0.0
    orders_365d = 1.0
    order_days_365d = 1.0
    order_days_per_month = 0.0821917808219178
    orders_half_life_30d = 0.000244140625
    orders_same_season = 1.0
    net_revenue_30d = 0.0
    net_revenue_90d = 0.0
    net_revenue_180d = 0.0
    net_revenue_365d = 40.0
    average_order_value_365d = 40.0
    order_value_deviation_365d = 0.0
    smallest_order_365d = 40.0
    largest_order_365d = 40.0
    last_order_in_average_values = 1.0
    mean_gap_days =
    gap_deviation_days =
    longest_gap_days =
    last_gap_days =
    recent_mean_gap_days =
    last_gap_in_mean_gaps =
    last_order_in_mean_gaps =
    overdue_in_deviations =
    longer_gap_share =
    order_trend_30d = 1.0
    order_trend_90d = 1.0
    order_trend_180d = 1.0
    revenue_trend_90d = 1.0
    days_since_last_return =
    returned_since_last_order = 0.0
    returns_365d = 0.0
    return_share_365d = 0.0
    discount_share_365d = 0.0
    discounted_order_share_365d = 0.0
    app_order_share_365d = 0.0
    store_order_share_365d = 0.0
    distinct_products_365d = 0.0
    distinct_products_90d = 0.0
    distinct_categories_365d = 0.0
    distinct_categories_90d = 0.0
    main_category_share_365d =
    repeat_product_share_365d =
    average_unit_price_365d =
    days_since_last_session =
    sessions_7d = 0.0
    sessions_30d = 0.0
    sessions_90d = 0.0
    sessions_365d = 0.0
    session_trend_30d =
    session_trend_90d =
    session_share_30d =
    product_views_90d = 0.0
    views_per_session_90d =
    searches_90d = 0.0
    carts_90d = 0.0
    carts_without_checkout_90d = 0.0
    errors_30d = 0.0
    error_share_90d =
    mobile_share_90d =
    days_since_last_ticket =
    open_tickets = 0.0
    tickets_30d = 0.0
    tickets_90d = 0.0
    tickets_365d = 0.0
    severe_tickets_90d = 0.0
    unsolved_ticket_share_365d =
    mean_days_to_close_365d =
    mean_satisfaction_365d =
    lowest_satisfaction_90d =
    days_since_last_offer =
    days_since_last_open =
    contacts_30d = 0.0
    contacts_90d = 0.0
    opened_contacts_30d = 0.0
    opened_contacts_90d = 0.0
    clicked_contacts_90d = 0.0
    open_share_90d =
    open_share_365d =
    unsubscribed_365d = 0.0
    consented_channels = 0.0
    consents_withdrawn_90d = 0.0
    days_since_consent_withdrawn =
    lines_per_order_365d =
    units_per_order_365d =
    lines_per_order_90d =
    sessions_per_order_90d =
    consumer_confidence = 101.5
    consumer_confidence_change_3m = 3.5
    inflation_rate = 2.5
    inflation_rate_change_3m =
    unemployment_rate =
    unemployment_rate_change_3m =
    ");
    insta::assert_snapshot!(reference.features("cleo").await, @"
    customer_id = cleo
    status = ineligible
    status_reason = never_ordered
    days_since_sign_up = 0.0
    days_since_last_order =
    days_since_first_order =
    active_share_of_tenure =
    orders_7d = 0.0
    orders_30d = 0.0
    orders_90d = 0.0
    orders_180d = 0.0
    orders_365d = 0.0
    order_days_365d = 0.0
    order_days_per_month =
    orders_half_life_30d = 0.0
    orders_same_season = 0.0
    net_revenue_30d = 0.0
    net_revenue_90d = 0.0
    net_revenue_180d = 0.0
    net_revenue_365d = 0.0
    average_order_value_365d =
    order_value_deviation_365d =
    smallest_order_365d =
    largest_order_365d =
    last_order_in_average_values =
    mean_gap_days =
    gap_deviation_days =
    longest_gap_days =
    last_gap_days =
    recent_mean_gap_days =
    last_gap_in_mean_gaps =
    last_order_in_mean_gaps =
    overdue_in_deviations =
    longer_gap_share =
    order_trend_30d =
    order_trend_90d =
    order_trend_180d =
    revenue_trend_90d =
    days_since_last_return =
    returned_since_last_order = 0.0
    returns_365d = 0.0
    return_share_365d =
    discount_share_365d =
    discounted_order_share_365d =
    app_order_share_365d =
    store_order_share_365d =
    distinct_products_365d = 0.0
    distinct_products_90d = 0.0
    distinct_categories_365d = 0.0
    distinct_categories_90d = 0.0
    main_category_share_365d =
    repeat_product_share_365d =
    average_unit_price_365d =
    days_since_last_session =
    sessions_7d = 0.0
    sessions_30d = 0.0
    sessions_90d = 0.0
    sessions_365d = 0.0
    session_trend_30d = 1.0
    session_trend_90d = 1.0
    session_share_30d =
    product_views_90d = 1.0
    views_per_session_90d =
    searches_90d = 0.0
    carts_90d = 0.0
    carts_without_checkout_90d = 0.0
    errors_30d = 0.0
    error_share_90d = 0.0
    mobile_share_90d =
    days_since_last_ticket =
    open_tickets = 0.0
    tickets_30d = 0.0
    tickets_90d = 0.0
    tickets_365d = 0.0
    severe_tickets_90d = 0.0
    unsolved_ticket_share_365d =
    mean_days_to_close_365d =
    mean_satisfaction_365d =
    lowest_satisfaction_90d =
    days_since_last_offer =
    days_since_last_open =
    contacts_30d = 0.0
    contacts_90d = 0.0
    opened_contacts_30d = 0.0
    opened_contacts_90d = 0.0
    clicked_contacts_90d = 0.0
    open_share_90d =
    open_share_365d =
    unsubscribed_365d = 0.0
    consented_channels = 0.0
    consents_withdrawn_90d = 0.0
    days_since_consent_withdrawn =
    lines_per_order_365d =
    units_per_order_365d =
    lines_per_order_90d =
    sessions_per_order_90d = 0.0
    consumer_confidence = 101.5
    consumer_confidence_change_3m = 3.5
    inflation_rate = 2.5
    inflation_rate_change_3m =
    unemployment_rate =
    unemployment_rate_change_3m =
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
