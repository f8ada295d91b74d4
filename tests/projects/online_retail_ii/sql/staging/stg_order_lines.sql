with invoice_lines as (
    select distinct * from {{ ref('stg_invoice_lines') }}
)

select
    invoice as order_id,
    row_number() over (
        partition by invoice
        order by stock_code, unit_price, quantity, invoiced_at, country, customer_id, amount
    ) as line_number,
    customer_id,
    invoiced_at as ordered_at,
    stock_code as product_id,
    -- The first digits of a stock code are the nearest that the shop has to a category.
    substr(stock_code, 1, 2) as category,
    quantity,
    cast(unit_price as decimal(18, 2)) as unit_price,
    amount as net_amount
from invoice_lines
where not is_cancellation
