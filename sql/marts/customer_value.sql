with population as (
    select * from {{ ref('feat_population') }}
),

orders as (
    select * from {{ ref('customer_order_totals') }}
),

-- All are whole cents. They are kept in decimals, which have room for any sum of amounts; only the result must fit a bigint.
earned as (
    select
        customer_id,
        cast(earned_net * 100 as decimal(38, 0)) as net_cents,
        cast(earned_margin * 100 as decimal(38, 0)) as margin_cents
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
