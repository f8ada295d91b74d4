-- A sale is an order, a refund a return. The shop states neither discounts nor what its goods cost.
with sales as (
    select * from {{ source('shop', 'sales') }}
)

select
    cast(receipt_no as varchar) as order_id,
    cast(client_no as varchar) as customer_id,
    sold_at as ordered_at,
    total as gross_amount,
    cast(0 as decimal(18, 2)) as discount_amount,
    total as net_amount,
    cast(null as decimal(18, 2)) as cost_amount,
    'store' as channel,
    kind = 'refund' as is_return
from sales
