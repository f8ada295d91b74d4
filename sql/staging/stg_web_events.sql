with web_events as (
    select * from {{ source('retailer', 'web_events') }}
)

select
    event_id,
    customer_id,
    occurred_at,
    event_type,
    device,
    coalesce(is_error, false) as is_error
from web_events
