with consents as (
    select * from {{ source('retailer', 'consents') }}
)

select
    customer_id,
    channel,
    purpose,
    changed_at,
    is_granted
from consents
