-- What a customer's support cases say in the state that was known by as-of, from one pass over them.
with tickets as (
    select * from {{ ref('stg_support_tickets') }}
),

dated_tickets as (
    select
        customer_id,
        (to_unixtime({{ as_of }}) - to_unixtime(opened_at) - 1) / 86400 as days_ago,
        to_unixtime(closed_at) - to_unixtime(opened_at) as open_seconds,
        closed_at is null as is_open,
        coalesce(severity in ('high', 'urgent'), false) as is_severe,
        satisfaction
    from tickets
),

totals as (
    select
        customer_id,
        min(days_ago) as days_since_last_ticket,
        count(*) filter (where is_open) as open_tickets,
        count(*) filter (where days_ago < 30) as tickets_30d,
        count(*) filter (where days_ago < 90) as tickets_90d,
        count(*) filter (where days_ago < 365) as tickets_365d,
        count(*) filter (where days_ago < 90 and is_severe) as severe_tickets_90d,
        count(*) filter (where days_ago < 365 and is_open) as open_tickets_365d,
        count(open_seconds) filter (where days_ago < 365) as closed_tickets_365d,
        sum(open_seconds) filter (where days_ago < 365) as open_seconds_365d,
        count(satisfaction) filter (where days_ago < 365) as ratings_365d,
        sum(satisfaction) filter (where days_ago < 365) as satisfaction_365d,
        min(satisfaction) filter (where days_ago < 90) as lowest_satisfaction_90d
    from dated_tickets
    group by customer_id
)

select
    customer_id,
    cast(days_since_last_ticket as double) as days_since_last_ticket,
    cast(open_tickets as double) as open_tickets,
    cast(tickets_30d as double) as tickets_30d,
    cast(tickets_90d as double) as tickets_90d,
    cast(tickets_365d as double) as tickets_365d,
    cast(severe_tickets_90d as double) as severe_tickets_90d,
    cast(open_tickets_365d as double) / nullif(tickets_365d, 0) as unsolved_ticket_share_365d,
    cast(open_seconds_365d as double) / nullif(closed_tickets_365d * 86400, 0) as mean_days_to_close_365d,
    cast(satisfaction_365d as double) / nullif(ratings_365d, 0) as mean_satisfaction_365d,
    cast(lowest_satisfaction_90d as double) as lowest_satisfaction_90d
from totals
