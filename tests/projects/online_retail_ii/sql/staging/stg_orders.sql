-- An invoice is an order, a cancellation a return: it never makes a customer eligible, and it says who sends things back.
with invoice_lines as (
    select distinct * from {{ ref('stg_invoice_lines') }}
)

select
    invoice as order_id,
    customer_id,
    min(invoiced_at) as ordered_at,
    sum(amount) as gross_amount,
    cast(0 as decimal(18, 2)) as discount_amount,
    sum(amount) as net_amount,
    cast(null as decimal(18, 2)) as cost_amount,
    cast(null as varchar) as channel,
    is_cancellation as is_return
from invoice_lines
group by invoice, customer_id, is_cancellation
