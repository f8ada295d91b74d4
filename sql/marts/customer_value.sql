with population as (
    select * from {{ ref('feat_population') }}
),

orders as (
    select * from {{ ref('stg_orders') }}
),

-- A margin is rounded to the cent an order, so that all sums are of whole cents. They are kept in decimals, which have room for any
-- sum of amounts; only the result must fit a bigint.
order_margins as (
    select
        customer_id,
        case when is_return then -1 else 1 end as sign,
        cast(net_amount * 100 as decimal(20, 0)) as net_cents,
        cast(
            coalesce(
                net_amount - cost_amount,
                cast(net_amount * cast('{{ var('margin_rate') }}' as decimal(9, 6)) as decimal(18, 2))
            ) * 100 as decimal(22, 0)
        ) as margin_cents
    from orders
    where ordered_at >= {{ as_of }} - interval '{{ var('active_days') }}' day
),

earned as (
    select
        customer_id,
        sum(sign * net_cents) as net_cents,
        sum(sign * margin_cents) as margin_cents
    from order_margins
    group by customer_id
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
