with basket_lines as (
    select * from {{ ref('stg_basket_lines') }}
)

select
    cast(basket_id as varchar) as order_id,
    row_number() over (partition by basket_id order by product_id) as line_number,
    customer_id,
    bought_at as ordered_at,
    cast(product_id as varchar) as product_id,
    category,
    quantity,
    cast(net_amount / nullif(quantity, 0) as decimal(18, 2)) as unit_price,
    net_amount
from basket_lines
-- Left out: slips of coupons and voided lines.
where quantity > 0 or net_amount > 0
