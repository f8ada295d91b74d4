with customers as (
    select * from {{ ref('stg_customers') }}
),

orders as (
    select * from {{ ref('customer_order_totals') }}
),

sightings as (
    select
        customer_id,
        signed_up_at,
        null as last_ordered_at
    from customers
    union all
    select
        customer_id,
        null as signed_up_at,
        last_ordered_at
    from orders
),

known as (
    select
        customer_id,
        min(signed_up_at) as signed_up_at,
        max(last_ordered_at) as last_ordered_at
    from sightings
    group by customer_id
)

select
    customer_id,
    case
        when last_ordered_at >= {{ as_of }} - interval '{{ var('active_days') }}' day then 'eligible'
        else 'ineligible'
    end as status,
    case
        when last_ordered_at is null then 'never_ordered'
        when last_ordered_at < {{ as_of }} - interval '{{ var('active_days') }}' day then 'lapsed'
    end as status_reason,
    cast((to_unixtime({{ as_of }}) - to_unixtime(signed_up_at) - 1) / 86400 as double) as days_since_sign_up
from known
