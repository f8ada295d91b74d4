//! SQL whose result could differ between two runs of a day is refused, and none other.

use super::fixture::Fixture;

/// Staging whose rows are known to be identified by `order_id`.
fn fixture(sql: &str) -> Fixture {
    let fixture = Fixture::with_staging();
    fixture.write("sql/staging/stg_orders.yml", "name: stg_orders\ndescription: Orders.\ngrain: [order_id]\n");
    fixture.write("sql/staging/stg_bare.sql", "select order_id, email, net_amount from {{ source('shop', 'orders') }}");
    fixture.write("sql/staging/stg_x.sql", sql);
    fixture
}

async fn refused(sql: &str) -> String {
    fixture(sql).load_error().await
}

async fn assert_loads(sql: &str) {
    let fixture = fixture(sql);
    if let Err(error) = fixture.load().await {
        panic!("{sql}\n{}", fixture.message(&error));
    }
}

#[tokio::test]
async fn sql_of_the_clock_and_of_chance_is_refused() {
    let message = |function: &str| {
        format!(
            "{function}() gives another result when the day is run again: use {{{{ as_of }}}} for the time, and \
             uniform_hash() for a draw that stays"
        )
    };
    for (sql, function) in [
        ("select order_id, now() as at from {{ ref('stg_orders') }}", "now"),
        ("select order_id from {{ ref('stg_orders') }} where random() < 0.5", "random"),
        (
            "select order_id from {{ ref('stg_orders') }} where cast(ordered_at as date) < current_date()",
            "current_date",
        ),
        ("select order_id from (select order_id, uuid() as u from {{ ref('stg_orders') }}) t where u > 'a'", "uuid"),
    ] {
        assert_eq!(refused(sql).await, format!("sql/staging/stg_x.sql: {}", message(function)), "{sql}");
    }
    insta::assert_snapshot!(refused("select order_id from {{ ref('stg_orders') }} tablesample bernoulli (10)").await, @"sql/staging/stg_x.sql: `tablesample` draws other rows when the day is run again: use `where uniform_hash('salt', key) < share`, which draws the same");
}

#[tokio::test]
async fn estimates_are_refused_with_what_is_exact() {
    insta::assert_snapshot!(refused("select\n    approx_distinct(email) as n\nfrom {{ ref('stg_orders') }}").await, @"sql/staging/stg_x.sql:2:21: approx_distinct() estimates, and gives another result with other partitions: use count(distinct ...)");
    insta::assert_snapshot!(refused("select approx_median(net_amount) as n from {{ ref('stg_orders') }}").await, @"sql/staging/stg_x.sql:1:22: approx_median() estimates, and gives another result with other partitions: use median()");
    insta::assert_snapshot!(refused("select approx_percentile_cont(0.9) within group (order by net_amount) as n from {{ ref('stg_orders') }}").await, @"sql/staging/stg_x.sql:1:59: approx_percentile_cont() estimates, and gives another result with other partitions: use percentile_cont()");
    insta::assert_snapshot!(refused("select order_id, approx_distinct(email) over () as n from {{ ref('stg_orders') }}").await, @"sql/staging/stg_x.sql:1:34: approx_distinct() estimates, and gives another result with other partitions: use count(distinct ...)");
    insta::assert_snapshot!(refused("select any_value(email) as e from {{ ref('stg_orders') }}").await, @"sql/staging/stg_x.sql:1:18: any_value() takes whichever row comes first: use min() or max()");
    assert_loads("select median(net_amount) as m, percentile_cont(0.9) within group (order by net_amount) as p, count(distinct email) as n from {{ ref('stg_orders') }}").await;
}

#[tokio::test]
async fn windows_by_the_order_of_rows_need_a_total_order() {
    let window = |over: &str| format!("select order_id, {over} as n\nfrom {{{{ ref('stg_orders') }}}}");
    insta::assert_snapshot!(refused(&window("row_number() over (partition by email order by ordered_at)")).await, @"sql/staging/stg_x.sql:1:50: row_number() depends on the order of rows, which is left open: let `partition by` and `order by` hold what identifies a row, here (order_id)");
    insta::assert_snapshot!(refused(&window("sum(net_amount) over (order by ordered_at rows between 3 preceding and current row)")).await, @"sql/staging/stg_x.sql:1:22: sum() over a frame of `rows` depends on the order of rows, which is left open: let `partition by` and `order by` hold what identifies a row, here (order_id); or write a frame of `range`");
    for over in [
        "row_number() over ()",
        "ntile(4) over (order by net_amount)",
        "lag(net_amount) over (partition by email order by ordered_at)",
        "lead(ordered_at) over (partition by email order by ordered_at)",
        "first_value(net_amount) over (partition by email order by ordered_at)",
        "last_value(net_amount) over (partition by email order by ordered_at)",
        "nth_value(net_amount, 2) over (partition by email order by ordered_at)",
        "array_agg(net_amount) over (partition by email order by ordered_at)",
        "max(net_amount) over (order by ordered_at rows between unbounded preceding and current row)",
        "row_number() over (order by upper(order_id))",
    ] {
        let message = refused(&window(over)).await;
        assert!(message.contains("depends on the order of rows, which is left open: let"), "{over}: {message}");
        assert!(message.ends_with("here (order_id)") || message.contains("here (order_id);"), "{over}: {message}");
    }
    for over in [
        "row_number() over (partition by email order by ordered_at desc, order_id)",
        "row_number() over (partition by order_id)",
        "lag(net_amount) over (partition by email order by ordered_at, order_id)",
        "sum(net_amount) over (order by ordered_at, order_id rows between 3 preceding and current row)",
        "sum(net_amount) over (partition by email)",
        "sum(net_amount) over (partition by email rows between unbounded preceding and unbounded following)",
        "sum(net_amount) over (partition by email order by ordered_at)",
        "sum(net_amount) over (order by net_amount groups between 1 preceding and current row)",
        "rank() over (partition by email order by ordered_at)",
        "dense_rank() over (order by email)",
        "percent_rank() over (order by email)",
        "cume_dist() over (order by email)",
    ] {
        assert_loads(&window(over)).await;
    }
}

#[tokio::test]
async fn aggregates_by_the_order_of_rows_need_a_total_order() {
    let by_email = |call: &str| format!("select email, {call} as a from {{{{ ref('stg_orders') }}}} group by email");
    insta::assert_snapshot!(refused(&by_email("array_agg(net_amount)")).await, @"sql/staging/stg_x.sql:1:25: array_agg() depends on the order of rows, which is left open: let `group by` and the `order by` inside the function hold what identifies a row, here (order_id)");
    for call in [
        "string_agg(order_id, ',')",
        "array_agg(distinct order_id)",
        "first_value(net_amount order by ordered_at)",
        "last_value(net_amount order by ordered_at)",
        "nth_value(net_amount, 2 order by ordered_at)",
    ] {
        let message = refused(&by_email(call)).await;
        let advice =
            "let `group by` and the `order by` inside the function hold what identifies a row, here (order_id)";
        assert!(message.ends_with(advice), "{call}: {message}");
    }
    for call in [
        "string_agg(order_id, ',' order by order_id)",
        "array_agg(distinct net_amount order by net_amount)",
        "first_value(net_amount order by ordered_at, order_id)",
        "last_value(net_amount order by net_amount)",
    ] {
        assert_loads(&by_email(call)).await;
    }
}

#[tokio::test]
async fn some_of_the_rows_need_a_total_order() {
    insta::assert_snapshot!(refused("select order_id from {{ ref('stg_orders') }} order by ordered_at limit 10").await, @"sql/staging/stg_x.sql: `limit` depends on the order of rows, which is left open: let `order by` hold what identifies a row, here (order_id)");
    insta::assert_snapshot!(refused("select distinct on (email) email, net_amount from {{ ref('stg_orders') }} order by email, ordered_at").await, @"sql/staging/stg_x.sql: `distinct on` depends on the order of rows, which is left open: let its columns and `order by` hold what identifies a row, here (order_id)");
    for sql in [
        "select order_id from {{ ref('stg_orders') }} limit 10",
        "select order_id from {{ ref('stg_orders') }} order by ordered_at offset 3",
        "select order_id, (select max(email) from (select email from {{ ref('stg_orders') }} limit 1) t) as e from {{ ref('stg_orders') }}",
    ] {
        let message = refused(sql).await;
        assert!(message.contains("`limit` depends on the order of rows, which is left open"), "{sql}: {message}");
    }
    for sql in [
        "select email from {{ ref('stg_orders') }} order by ordered_at desc, order_id limit 10",
        "select count(*) as n from {{ ref('stg_orders') }} limit 1",
        "select distinct email from {{ ref('stg_orders') }} order by email limit 3",
        "select distinct on (email) email, net_amount from {{ ref('stg_orders') }} order by email, ordered_at, order_id",
        "select distinct on (email) email from {{ ref('stg_orders') }}",
    ] {
        assert_loads(sql).await;
    }
}

/// `row_number()` by an order of rows that come from elsewhere than a plain model.
fn numbered(from: &str, order_by: &str) -> String {
    format!("with t as ({from}) select *, row_number() over (order by {order_by}) as n from t")
}

#[tokio::test]
async fn what_identifies_a_row_is_followed_through_the_query() {
    let orders = "{{ ref('stg_orders') }}";
    let keyed = [
        (format!("select email, gender, count(*) as c from {orders} group by email, gender"), "gender, email"),
        (format!("select distinct email, gender from {orders}"), "email, gender"),
        (format!("select order_id as o, email from {orders} where net_amount > 0"), "o"),
        (format!("select a.order_id, b.email from {orders} a left join {orders} b on a.order_id = b.order_id"), "order_id"),
        (format!("select a.order_id as a, b.order_id as b from {orders} a, {orders} b"), "a, b"),
        (format!("select a.order_id from {orders} a where exists (select 1 from {orders} b where b.email = a.email)"), "order_id"),
        (
            format!(
                "select email, net_amount from (select *, row_number() over (partition by email order by order_id) as r
                 from {orders}) where r = 1"
            ),
            "email",
        ),
        (
            format!(
                "select a.order_id, c.orders from {orders} a join (select email, count(*) as orders from {orders} group by email) c
                 on a.email = c.email"
            ),
            "order_id",
        ),
        ("select order_id, email from {{ ref('stg_bare') }}".to_owned(), "email, order_id"),
    ];
    for (from, order_by) in keyed {
        assert_loads(&numbered(&from, order_by)).await;
    }
    let open = [
        (format!("select email, gender, count(*) as c from {orders} group by email, gender"), "email"),
        (format!("select a.order_id, b.email from {orders} a join {orders} b on a.email = b.email"), "order_id"),
        (
            format!("select a.order_id, b.email from {orders} a full join {orders} b on a.order_id = b.order_id"),
            "order_id",
        ),
        (format!("select order_id, email from {orders} union all select order_id, email from {orders}"), "order_id"),
        (format!("select substr(order_id, 1, 2) as order_id, email from {orders}"), "order_id"),
    ];
    for (from, order_by) in open {
        let message = refused(&numbered(&from, order_by)).await;
        assert!(message.contains("row_number() depends on the order of rows"), "{from}: {message}");
    }
    insta::assert_snapshot!(refused(&numbered("select * from {{ ref('stg_bare') }}", "order_id")).await, @"sql/staging/stg_x.sql:1:106: row_number() depends on the order of rows, which is left open: nothing is known to identify a row here: give the model that it comes from a `grain`, or group by what identifies a row, and order by that");
}

#[tokio::test]
async fn the_model_at_fault_is_the_one_that_is_named() {
    let fixture = fixture("select order_id, row_number() over (order by email) as n from {{ ref('stg_orders') }}");
    fixture.write("sql/features/feat_a.sql", "select * from {{ ref('stg_x') }}");
    let message = fixture.load_error().await;
    assert!(message.starts_with("sql/staging/stg_x.sql"), "{message}");
}
