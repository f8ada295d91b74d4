-- Who shops on days off: of every customer with an order in the last 365 days.
with orders as (
    select * from {{ ref('stg_orders') }}
),

recent as (
    select
        customer_id,
        date_part('dow', ordered_at) in (0, 6) as is_weekend
    from orders
    where
        not is_return
        and ordered_at >= {{ as_of }} - interval '365 days'
)

select
    customer_id,
    cast(count(*) filter (where is_weekend) as double) / count(*) as weekend_order_share_365d
from recent
group by customer_id
