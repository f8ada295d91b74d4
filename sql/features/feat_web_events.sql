-- What a customer did on the web site and in the app, from one pass over the events of the last 365 days.
with web_events as (
    select * from {{ ref('stg_web_events') }}
),

dated_events as (
    select
        *,
        (to_unixtime({{ as_of }}) - to_unixtime(occurred_at) - 1) / 86400 as days_ago
    from web_events
    where occurred_at >= {{ as_of }} - interval '365' day
),

-- Windows that end at as-of hold each other: a row goes into the smallest one that holds it, and each window is summed from
-- few rows a customer.
windows as (
    select
        customer_id,
        case
            when days_ago < 7 then 7
            when days_ago < 30 then 30
            when days_ago < 60 then 60
            when days_ago < 90 then 90
            when days_ago < 180 then 180
            else 365
        end as window_days,
        count(*) as events,
        count(*) filter (where event_type = 'session') as sessions,
        count(*) filter (where event_type = 'search') as searches,
        count(*) filter (where event_type = 'product_view') as product_views,
        count(*) filter (where event_type = 'add_to_cart') as carts,
        count(*) filter (where event_type = 'checkout') as checkouts,
        count(*) filter (where is_error) as errors,
        count(device) as device_events,
        count(*) filter (where device = 'mobile') as mobile_events,
        min(days_ago) filter (where event_type = 'session') as days_since_last_session
    from dated_events
    group by 1, 2
),

totals as (
    select
        customer_id,
        min(days_since_last_session) as days_since_last_session,
        coalesce(sum(sessions) filter (where window_days <= 7), 0) as sessions_7d,
        coalesce(sum(sessions) filter (where window_days <= 30), 0) as sessions_30d,
        coalesce(sum(sessions) filter (where window_days <= 60), 0) as sessions_60d,
        coalesce(sum(sessions) filter (where window_days <= 90), 0) as sessions_90d,
        coalesce(sum(sessions) filter (where window_days <= 180), 0) as sessions_180d,
        coalesce(sum(sessions), 0) as sessions_365d,
        coalesce(sum(product_views) filter (where window_days <= 90), 0) as product_views_90d,
        coalesce(sum(searches) filter (where window_days <= 90), 0) as searches_90d,
        coalesce(sum(carts) filter (where window_days <= 90), 0) as carts_90d,
        coalesce(sum(checkouts) filter (where window_days <= 90), 0) as checkouts_90d,
        coalesce(sum(errors) filter (where window_days <= 30), 0) as errors_30d,
        coalesce(sum(errors) filter (where window_days <= 90), 0) as errors_90d,
        sum(events) filter (where window_days <= 90) as events_90d,
        sum(device_events) filter (where window_days <= 90) as device_events_90d,
        sum(mobile_events) filter (where window_days <= 90) as mobile_events_90d
    from windows
    group by customer_id
)

select
    customer_id,
    cast(days_since_last_session as double) as days_since_last_session,
    cast(sessions_7d as double) as sessions_7d,
    cast(sessions_30d as double) as sessions_30d,
    cast(sessions_90d as double) as sessions_90d,
    cast(sessions_365d as double) as sessions_365d,
    cast(sessions_30d + 1 as double) / (sessions_60d - sessions_30d + 1) as session_trend_30d,
    cast(sessions_90d + 1 as double) / (sessions_180d - sessions_90d + 1) as session_trend_90d,
    cast(sessions_30d as double) / nullif(sessions_365d, 0) as session_share_30d,
    cast(product_views_90d as double) as product_views_90d,
    cast(product_views_90d as double) / nullif(sessions_90d, 0) as views_per_session_90d,
    cast(searches_90d as double) as searches_90d,
    cast(carts_90d as double) as carts_90d,
    cast(greatest(carts_90d - checkouts_90d, 0) as double) as carts_without_checkout_90d,
    cast(errors_30d as double) as errors_30d,
    cast(errors_90d as double) / nullif(events_90d, 0) as error_share_90d,
    cast(mobile_events_90d as double) / nullif(device_events_90d, 0) as mobile_share_90d
from totals
