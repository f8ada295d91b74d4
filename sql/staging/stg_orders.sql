with orders as (
    select * from {{ source('retailer', 'orders') }}
)

select
    order_id,
    customer_id,
    ordered_at,
    coalesce(gross_amount, net_amount) as gross_amount,
    coalesce(discount_amount, 0) as discount_amount,
    net_amount,
    cost_amount,
    channel,
    is_return
from orders
