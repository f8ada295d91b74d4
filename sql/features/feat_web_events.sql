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

-- Days stand first in every condition: in files of a day they hold for all rows of a batch or for none, and then nothing else is
-- asked.
totals as (
    select
        customer_id,
        min(days_ago) filter (where event_type = 'session') as days_since_last_session,
        count(*) filter (where days_ago < 7 and event_type = 'session') as sessions_7d,
        count(*) filter (where days_ago < 30 and event_type = 'session') as sessions_30d,
        count(*) filter (where days_ago < 60 and event_type = 'session') as sessions_60d,
        count(*) filter (where days_ago < 90 and event_type = 'session') as sessions_90d,
        count(*) filter (where days_ago < 180 and event_type = 'session') as sessions_180d,
        count(*) filter (where event_type = 'session') as sessions_365d,
        count(*) filter (where days_ago < 90 and event_type = 'product_view') as product_views_90d,
        count(*) filter (where days_ago < 90 and event_type = 'search') as searches_90d,
        count(*) filter (where days_ago < 90 and event_type = 'add_to_cart') as carts_90d,
        count(*) filter (where days_ago < 90 and event_type = 'checkout') as checkouts_90d,
        count(*) filter (where days_ago < 30 and is_error) as errors_30d,
        count(*) filter (where days_ago < 90 and is_error) as errors_90d,
        count(*) filter (where days_ago < 90) as events_90d,
        count(device) filter (where days_ago < 90) as device_events_90d,
        count(*) filter (where days_ago < 90 and device = 'mobile') as mobile_events_90d
    from dated_events
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
