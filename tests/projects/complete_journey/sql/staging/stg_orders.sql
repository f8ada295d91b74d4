-- A basket is an order. The data hold no returns.
with basket_lines as (
    select * from {{ ref('stg_basket_lines') }}
)

select
    cast(basket_id as varchar) as order_id,
    customer_id,
    min(bought_at) as ordered_at,
    sum(net_amount + discount_amount) as gross_amount,
    sum(discount_amount) as discount_amount,
    sum(net_amount) as net_amount,
    cast(null as decimal(18, 2)) as cost_amount,
    'store' as channel,
    false as is_return
from basket_lines
group by basket_id, customer_id
