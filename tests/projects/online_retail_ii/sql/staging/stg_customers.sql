-- The shop keeps no list of customers: one is known from the first invoice on, in the country of the newest.
with invoice_lines as (
    select * from {{ ref('stg_invoice_lines') }}
),

customers as (
    select
        customer_id,
        min(invoiced_at) as first_invoiced_at,
        max(invoiced_at) as last_invoiced_at
    from invoice_lines
    group by customer_id
),

countries as (
    select
        customer_id,
        country,
        max(invoiced_at) as last_invoiced_at
    from invoice_lines
    group by customer_id, country
)

select
    customers.customer_id,
    customers.first_invoiced_at as valid_from,
    customers.first_invoiced_at as signed_up_at,
    max(countries.country) as country,
    cast(null as varchar) as region
from customers
inner join countries
    on customers.customer_id = countries.customer_id and customers.last_invoiced_at = countries.last_invoiced_at
group by customers.customer_id, customers.first_invoiced_at
