with order_lines as (
    select * from {{ source('retailer', 'order_lines') }}
)

select
    order_id,
    line_number,
    customer_id,
    ordered_at,
    product_id,
    category,
    quantity,
    unit_price,
    net_amount
from order_lines
