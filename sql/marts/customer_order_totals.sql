-- What the orders and returns of a customer add up to, and the gaps between their days, from one pass over them: who is known, what a
-- customer is worth and how a customer orders are all computed from it.
with orders as (
    select * from {{ ref('stg_orders') }}
),

-- Complete days before as-of. Less one second, so that an order placed exactly N days before is among the last N days. What is
-- earned is rounded to the cent an order.
dated_orders as (
    select
        *,
        (to_unixtime({{ as_of }}) - to_unixtime(ordered_at) - 1) / 86400 as days_ago,
        cast(
            coalesce(
                net_amount - cost_amount,
                cast(net_amount * cast('{{ var('margin_rate') }}' as decimal(9, 6)) as decimal(18, 2))
            ) as decimal(20, 2)
        ) as margin,
        cast(net_amount as decimal(18, 2)) as net
    from orders
),

-- Days stand first in every condition: in files of a day they hold for all rows of a batch or for none, and then nothing else is
-- asked.
totals as (
    select
        customer_id,
        max(ordered_at) filter (where not is_return) as last_ordered_at,
        min(days_ago) filter (where not is_return) as days_since_last_order,
        max(days_ago) filter (where not is_return) as days_since_first_order,
        gap_stats(days_ago) filter (where not is_return) as order_gaps,
        gap_stats(days_ago) filter (where days_ago < 365 and not is_return) as order_gaps_365d,
        -- The largest amount of the newest day: a day weighs more than two amounts differ, which have 16 digits before the point.
        max(
            net - cast(days_ago as decimal(19, 0)) * cast(100000000000000000 as decimal(18, 0))
        ) filter (where not is_return) as weighed_last_order,
        count(*) filter (where days_ago < 7 and not is_return) as orders_7d,
        count(*) filter (where days_ago < 30 and not is_return) as orders_30d,
        count(*) filter (where days_ago < 60 and not is_return) as orders_60d,
        count(*) filter (where days_ago < 90 and not is_return) as orders_90d,
        count(*) filter (where days_ago < 180 and not is_return) as orders_180d,
        count(*) filter (where days_ago < 360 and not is_return) as orders_360d,
        count(*) filter (where days_ago < 365 and not is_return) as orders_365d,
        count(*) filter (
            where days_ago < 365 and not is_return and days_ago >= 365 - {{ var('horizon_days') }}
        ) as orders_same_season,
        -- In whole parts of 2^20, halved every 30 days until nothing is left.
        coalesce(sum(1048576 >> least(days_ago / 30, 21)) filter (where not is_return), 0) as fading_orders,
        count(*) filter (where days_ago < 365 and not is_return and channel = 'app') as app_orders_365d,
        count(*) filter (where days_ago < 365 and not is_return and channel = 'store') as store_orders_365d,
        count(*) filter (where days_ago < 365 and not is_return and discount_amount > 0) as discounted_orders_365d,

        coalesce(sum(net_amount) filter (where days_ago < 30 and not is_return), 0) as revenue_30d,
        coalesce(sum(net_amount) filter (where days_ago < 90 and not is_return), 0) as revenue_90d,
        coalesce(sum(net_amount) filter (where days_ago < 180 and not is_return), 0) as revenue_180d,
        coalesce(sum(net_amount) filter (where days_ago < 365 and not is_return), 0) as revenue_365d,
        sum(net_amount * net_amount) filter (where days_ago < 365 and not is_return) as squared_revenue_365d,
        min(net_amount) filter (where days_ago < 365 and not is_return) as smallest_order_365d,
        max(net_amount) filter (where days_ago < 365 and not is_return) as largest_order_365d,
        coalesce(sum(gross_amount) filter (where days_ago < 365 and not is_return), 0) as gross_365d,
        coalesce(sum(discount_amount) filter (where days_ago < 365 and not is_return), 0) as discount_365d,

        min(days_ago) filter (where is_return) as days_since_last_return,
        count(*) filter (where days_ago < 365 and is_return) as returns_365d,
        coalesce(sum(net_amount) filter (where days_ago < 365 and is_return), 0) as returned_365d,

        -- Within the active days, less what was sent back.
        coalesce(
            sum(case when is_return then -net else net end) filter (where days_ago < {{ var('active_days') }}), 0
        ) as earned_net,
        coalesce(
            sum(case when is_return then -margin else margin end) filter (where days_ago < {{ var('active_days') }}), 0
        ) as earned_margin
    from dated_orders
    group by customer_id
)

select
    * exclude (order_gaps, order_gaps_365d, weighed_last_order),
    order_gaps['days'] as order_days,
    order_gaps['gaps'] as gaps,
    order_gaps['recent_gaps'] as recent_gaps,
    order_gaps['gap_days'] as gap_days,
    order_gaps['squared_gap_days'] as squared_gap_days,
    order_gaps['longest_gap_days'] as longest_gap_days,
    order_gaps['last_gap_days'] as last_gap_days,
    order_gaps['recent_gap_days'] as recent_gap_days,
    order_gaps['longer_gaps'] as longer_gaps,
    order_gaps_365d['days'] as order_days_365d,
    weighed_last_order
    + cast(days_since_last_order as decimal(19, 0)) * cast(100000000000000000 as decimal(18, 0)) as last_order
from totals
