-- The shop keeps no lines of receipts: each is one line of one product.
with sales as (
    select * from {{ source('shop', 'sales') }}
)

select
    cast(receipt_no as varchar) as order_id,
    1 as line_number,
    cast(client_no as varchar) as customer_id,
    sold_at as ordered_at,
    'coffee' as product_id,
    cast(null as varchar) as category,
    1 as quantity,
    total as unit_price,
    total as net_amount
from sales
