-- What the orders and returns of a customer say, by their sums and the gaps between their days.
with totals as (
    select * from {{ ref('customer_order_totals') }}
),

-- Squares of sums in 76 digits, which no amount exceeds.
spreads as (
    select
        *,
        gaps * squared_gap_days - gap_days * gap_days as gap_spread,
        cast(orders_365d as decimal(20, 0)) * cast(squared_revenue_365d as decimal(50, 4))
        - cast(revenue_365d as decimal(40, 2)) * cast(revenue_365d as decimal(40, 2)) as order_value_spread
    from totals
),

-- Floating point begins here, one division or root a column, on sums that are exact.
means as (
    select
        *,
        cast(gap_days as double) / nullif(gaps, 0) as mean_gap_days,
        sqrt(cast(gap_spread as double)) / nullif(gaps, 0) as gap_deviation_days,
        cast(revenue_365d as double) / nullif(orders_365d, 0) as average_order_value_365d,
        sqrt(cast(order_value_spread as double)) / nullif(orders_365d, 0) as order_value_deviation_365d
    from spreads
)

select
    customer_id,
    cast(days_since_last_order as double) as days_since_last_order,
    cast(days_since_first_order as double) as days_since_first_order,
    cast(days_since_first_order - days_since_last_order as double)
    / nullif(days_since_first_order, 0) as active_share_of_tenure,
    cast(orders_7d as double) as orders_7d,
    cast(orders_30d as double) as orders_30d,
    cast(orders_90d as double) as orders_90d,
    cast(orders_180d as double) as orders_180d,
    cast(orders_365d as double) as orders_365d,
    cast(order_days_365d as double) as order_days_365d,
    cast(30 * order_days as double) / (days_since_first_order + 1) as order_days_per_month,
    cast(fading_orders as double) / 1048576 as orders_half_life_30d,
    cast(orders_same_season as double) as orders_same_season,
    cast(revenue_30d as double) as net_revenue_30d,
    cast(revenue_90d as double) as net_revenue_90d,
    cast(revenue_180d as double) as net_revenue_180d,
    cast(revenue_365d as double) as net_revenue_365d,
    average_order_value_365d,
    order_value_deviation_365d,
    cast(smallest_order_365d as double) as smallest_order_365d,
    cast(largest_order_365d as double) as largest_order_365d,
    cast(last_order as double) / nullif(average_order_value_365d, 0) as last_order_in_average_values,
    mean_gap_days,
    gap_deviation_days,
    cast(longest_gap_days as double) as longest_gap_days,
    cast(last_gap_days as double) as last_gap_days,
    cast(recent_gap_days as double) / nullif(recent_gaps, 0) as recent_mean_gap_days,
    last_gap_days / nullif(mean_gap_days, 0) as last_gap_in_mean_gaps,
    days_since_last_order / nullif(mean_gap_days, 0) as last_order_in_mean_gaps,
    (days_since_last_order - mean_gap_days) / nullif(gap_deviation_days, 0) as overdue_in_deviations,
    cast(longer_gaps as double) / nullif(gaps, 0) as longer_gap_share,
    cast(orders_30d + 1 as double) / (orders_60d - orders_30d + 1) as order_trend_30d,
    cast(orders_90d + 1 as double) / (orders_180d - orders_90d + 1) as order_trend_90d,
    cast(orders_180d + 1 as double) / (orders_360d - orders_180d + 1) as order_trend_180d,
    cast(revenue_90d + 1 as double) / cast(revenue_180d - revenue_90d + 1 as double) as revenue_trend_90d,
    cast(days_since_last_return as double) as days_since_last_return,
    cast(coalesce(days_since_last_return < days_since_last_order, false) as double) as returned_since_last_order,
    cast(returns_365d as double) as returns_365d,
    cast(returned_365d as double) / nullif(cast(revenue_365d as double), 0) as return_share_365d,
    cast(discount_365d as double) / nullif(cast(gross_365d as double), 0) as discount_share_365d,
    cast(discounted_orders_365d as double) / nullif(orders_365d, 0) as discounted_order_share_365d,
    cast(app_orders_365d as double) / nullif(orders_365d, 0) as app_order_share_365d,
    cast(store_orders_365d as double) / nullif(orders_365d, 0) as store_order_share_365d
from means
