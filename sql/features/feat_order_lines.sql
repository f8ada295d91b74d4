-- What the order lines of a customer say, from one pass over them.
with order_lines as (
    select * from {{ ref('stg_order_lines') }}
),

returns as (
    select order_id
    from {{ ref('stg_orders') }}
    where is_return
),

products as (
    select
        customer_id,
        product_id,
        max(category) as category,
        count(*) as lines,
        sum(quantity) as units
    from order_lines
    where
        ordered_at >= {{ as_of }} - interval '365' day
        and not exists (select 1 from returns where returns.order_id = order_lines.order_id)
    group by customer_id, product_id
)

select
    customer_id,
    cast(sum(lines) as double) as lines_365d,
    cast(sum(units) as double) as units_365d,
    cast(count(*) as double) as distinct_products_365d,
    cast(count(distinct category) as double) as distinct_categories_365d
from products
group by customer_id
