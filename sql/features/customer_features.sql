with population as (
    select * from {{ ref('feat_population') }}
),

orders as (
    select * from {{ ref('feat_orders') }}
),

order_lines as (
    select * from {{ ref('feat_order_lines') }}
)

select
    population.customer_id,
    population.status,
    population.status_reason,
    population.days_since_sign_up,
    orders.days_since_last_order,
    orders.days_since_first_order,
    coalesce(orders.orders_30d, 0) as orders_30d,
    coalesce(orders.orders_90d, 0) as orders_90d,
    coalesce(orders.orders_180d, 0) as orders_180d,
    coalesce(orders.orders_365d, 0) as orders_365d,
    coalesce(orders.order_days_365d, 0) as order_days_365d,
    coalesce(orders.net_revenue_90d, 0) as net_revenue_90d,
    coalesce(orders.net_revenue_365d, 0) as net_revenue_365d,
    orders.average_order_value_365d,
    orders.mean_gap_days,
    orders.gap_deviation_days,
    orders.longest_gap_days,
    orders.last_order_in_mean_gaps,
    orders.order_trend_90d,
    orders.revenue_trend_90d,
    coalesce(orders.returns_365d, 0) as returns_365d,
    orders.return_share_365d,
    orders.discount_share_365d,
    orders.app_order_share_365d,
    coalesce(order_lines.distinct_products_365d, 0) as distinct_products_365d,
    coalesce(order_lines.distinct_categories_365d, 0) as distinct_categories_365d,
    order_lines.lines_365d / nullif(orders.orders_365d, 0) as lines_per_order_365d,
    order_lines.units_365d / nullif(orders.orders_365d, 0) as units_per_order_365d
from population
left join orders on population.customer_id = orders.customer_id
left join order_lines on population.customer_id = order_lines.customer_id
