-- The shop keeps no list of customers: one is known from the first invoice on, in the country of the newest.
with invoice_lines as (
    select * from {{ ref('stg_invoice_lines') }}
),

countries as (
    select
        customer_id,
        country,
        min(invoiced_at) as first_invoiced_at,
        max(invoiced_at) as last_invoiced_at
    from invoice_lines
    group by customer_id, country
),

ranked as (
    select
        customer_id,
        country,
        min(first_invoiced_at) over (partition by customer_id) as first_invoiced_at,
        row_number() over (partition by customer_id order by last_invoiced_at desc, country) as newest_first
    from countries
)

select
    customer_id,
    first_invoiced_at as valid_from,
    first_invoiced_at as signed_up_at,
    country,
    cast(null as varchar) as region
from ranked
where newest_first = 1
