with consents as (
    select * from {{ source('retailer', 'consents') }}
)

-- Sources spell one channel in several ways: `Email ` is `email`.
select
    customer_id,
    lower(trim(channel)) as channel,
    lower(trim(purpose)) as purpose,
    changed_at,
    is_granted
from consents
