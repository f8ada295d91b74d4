-- What the baskets of a customer hold, from one pass over the order lines of the last 365 days.
with order_lines as (
    select * from {{ ref('stg_order_lines') }}
),

returns as (
    select distinct order_id
    from {{ ref('stg_orders') }}
    where is_return
),

-- The few returns stand on the left, which is the side that a join holds in memory while the other passes by.
bought_lines as (
    select
        order_lines.*,
        order_lines.ordered_at >= {{ as_of }} - interval '90' day as is_recent
    from returns
    right join order_lines on returns.order_id = order_lines.order_id
    where
        order_lines.ordered_at >= {{ as_of }} - interval '365' day
        and returns.order_id is null
),

totals as (
    select
        customer_id,
        count(*) as lines,
        count(*) filter (where is_recent) as lines_90d,
        sum(quantity) as units,
        sum(net_amount) as net_amount,
        distinct_stats(product_id) as products,
        distinct_stats(product_id) filter (where is_recent) as products_90d,
        distinct_stats(category) as categories,
        distinct_stats(category) filter (where is_recent) as categories_90d
    from bought_lines
    group by customer_id
)

select
    customer_id,
    cast(lines as double) as lines_365d,
    cast(lines_90d as double) as lines_90d,
    cast(units as double) as units_365d,
    cast(products['values'] as double) as distinct_products_365d,
    cast(products_90d['values'] as double) as distinct_products_90d,
    cast(categories['values'] as double) as distinct_categories_365d,
    cast(categories_90d['values'] as double) as distinct_categories_90d,
    cast(categories['most_rows'] as double) / nullif(categories['rows'], 0) as main_category_share_365d,
    cast(products['repeated_values'] as double) / nullif(products['values'], 0) as repeat_product_share_365d,
    cast(net_amount as double) / nullif(units, 0) as average_unit_price_365d
from totals
