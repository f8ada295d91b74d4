-- What the orders and returns of a customer say, from one pass over them.
with orders as (
    select * from {{ ref('stg_orders') }}
),

-- Complete days before as-of. Less one second, so that an order placed exactly N days before is among the last N days.
dated_orders as (
    select
        *,
        (to_unixtime({{ as_of }}) - to_unixtime(ordered_at) - 1) / 86400 as days_ago
    from orders
),

order_days as (
    select
        customer_id,
        is_return,
        days_ago,
        count(*) as orders,
        count(*) filter (where channel = 'app') as app_orders,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(net_amount) as net_amount
    from dated_orders
    group by customer_id, is_return, days_ago
),

spaced_order_days as (
    select
        *,
        lead(days_ago) over (partition by customer_id, is_return order by days_ago) - days_ago as gap_days
    from order_days
),

totals as (
    select
        customer_id,
        min(days_ago) filter (where not is_return) as days_since_last_order,
        max(days_ago) filter (where not is_return) as days_since_first_order,
        count(gap_days) filter (where not is_return) as gaps,
        sum(gap_days) filter (where not is_return) as gap_days,
        sum(gap_days * gap_days) filter (where not is_return) as squared_gap_days,
        max(gap_days) filter (where not is_return) as longest_gap_days,
        count(*) filter (where not is_return and days_ago < 365) as order_days_365d,
        coalesce(sum(orders) filter (where not is_return and days_ago < 30), 0) as orders_30d,
        coalesce(sum(orders) filter (where not is_return and days_ago < 90), 0) as orders_90d,
        coalesce(sum(orders) filter (where not is_return and days_ago < 180), 0) as orders_180d,
        coalesce(sum(orders) filter (where not is_return and days_ago < 365), 0) as orders_365d,
        coalesce(sum(app_orders) filter (where not is_return and days_ago < 365), 0) as app_orders_365d,
        coalesce(sum(orders) filter (where is_return and days_ago < 365), 0) as returns_365d,
        coalesce(sum(net_amount) filter (where is_return and days_ago < 365), 0) as returned_365d,
        coalesce(sum(net_amount) filter (where not is_return and days_ago < 90), 0) as revenue_90d,
        coalesce(sum(net_amount) filter (where not is_return and days_ago < 180), 0) as revenue_180d,
        coalesce(sum(net_amount) filter (where not is_return and days_ago < 365), 0) as revenue_365d,
        coalesce(sum(gross_amount) filter (where not is_return and days_ago < 365), 0) as gross_365d,
        coalesce(sum(discount_amount) filter (where not is_return and days_ago < 365), 0) as discount_365d
    from spaced_order_days
    group by customer_id
),

-- Floating point begins here, one division or root a column, on sums that are exact.
shares as (
    select
        *,
        cast(gap_days as double) / nullif(gaps, 0) as mean_gap_days,
        sqrt(cast(gaps * squared_gap_days - gap_days * gap_days as double)) / nullif(gaps, 0) as gap_deviation_days
    from totals
)

select
    customer_id,
    cast(days_since_last_order as double) as days_since_last_order,
    cast(days_since_first_order as double) as days_since_first_order,
    cast(orders_30d as double) as orders_30d,
    cast(orders_90d as double) as orders_90d,
    cast(orders_180d as double) as orders_180d,
    cast(orders_365d as double) as orders_365d,
    cast(order_days_365d as double) as order_days_365d,
    cast(revenue_90d as double) as net_revenue_90d,
    cast(revenue_365d as double) as net_revenue_365d,
    cast(revenue_365d as double) / nullif(orders_365d, 0) as average_order_value_365d,
    mean_gap_days,
    gap_deviation_days,
    cast(longest_gap_days as double) as longest_gap_days,
    days_since_last_order / nullif(mean_gap_days, 0) as last_order_in_mean_gaps,
    cast(orders_90d + 1 as double) / (orders_180d - orders_90d + 1) as order_trend_90d,
    cast(revenue_90d + 1 as double) / cast(revenue_180d - revenue_90d + 1 as double) as revenue_trend_90d,
    cast(returns_365d as double) as returns_365d,
    cast(returned_365d as double) / nullif(cast(revenue_365d as double), 0) as return_share_365d,
    cast(discount_365d as double) / nullif(cast(gross_365d as double), 0) as discount_share_365d,
    cast(app_orders_365d as double) / nullif(orders_365d, 0) as app_order_share_365d
from shares
