-- Mainstay's features of baskets by groupings of products and categories, where Mainstay has distinct_stats().
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

products as (
    select
        customer_id,
        product_id,
        count(*) as lines,
        count(*) filter (where is_recent) as lines_90d,
        sum(quantity) as units,
        sum(net_amount) as net_amount
    from bought_lines
    group by customer_id, product_id
),

baskets as (
    select
        customer_id,
        count(*) as products,
        count(*) filter (where lines > 1) as repeated_products,
        count(*) filter (where lines_90d > 0) as products_90d,
        sum(lines) as lines,
        sum(lines_90d) as lines_90d,
        sum(units) as units,
        sum(net_amount) as net_amount
    from products
    group by customer_id
),

categories as (
    select
        customer_id,
        category,
        count(*) as lines,
        count(*) filter (where is_recent) as lines_90d
    from bought_lines
    where category is not null
    group by customer_id, category
),

varieties as (
    select
        customer_id,
        count(*) as categories,
        count(*) filter (where lines_90d > 0) as categories_90d,
        max(lines) as main_category_lines,
        sum(lines) as category_lines
    from categories
    group by customer_id
),

totals as (
    select
        baskets.*,
        coalesce(varieties.categories, 0) as categories,
        coalesce(varieties.categories_90d, 0) as categories_90d,
        varieties.main_category_lines,
        varieties.category_lines
    from baskets
    left join varieties on baskets.customer_id = varieties.customer_id
)

select
    customer_id,
    cast(lines as double) as lines_365d,
    cast(lines_90d as double) as lines_90d,
    cast(units as double) as units_365d,
    cast(products as double) as distinct_products_365d,
    cast(products_90d as double) as distinct_products_90d,
    cast(categories as double) as distinct_categories_365d,
    cast(categories_90d as double) as distinct_categories_90d,
    cast(main_category_lines as double) / category_lines as main_category_share_365d,
    cast(repeated_products as double) / products as repeat_product_share_365d,
    cast(net_amount as double) / nullif(units, 0) as average_unit_price_365d
from totals
