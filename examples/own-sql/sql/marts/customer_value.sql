-- In the place of the reference project's model of the same name, whose .yml still says what must hold of it: the margin is less what
-- packing and sending the orders costs.
with population as (
    select * from {{ ref('feat_population') }}
),

orders as (
    select * from {{ ref('customer_order_totals') }}
),

earned as (
    select
        customer_id,
        cast(earned_net * 100 as decimal(38, 0)) as net_cents,
        cast(earned_margin * 100 as decimal(38, 0)) - {{ var('parcel_cents') }} * orders_365d as margin_cents
    from orders
)

select
    population.customer_id,
    cast(
        greatest(coalesce(earned.margin_cents, 0) * {{ var('value_horizon_days') }} / {{ var('active_days') }}, 0) as bigint
    ) as clv_cents,
    cast(
        greatest(coalesce(earned.net_cents, 0) * {{ var('horizon_days') }} / {{ var('active_days') }}, 0) as bigint
    ) as expected_revenue_cents
from population
left join earned on population.customer_id = earned.customer_id
