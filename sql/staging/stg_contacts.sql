with contacts as (
    select * from {{ source('retailer', 'contacts') }}
)

select
    contact_id,
    customer_id,
    sent_at,
    lower(trim(channel)) as channel,
    intervention,
    opened_at,
    clicked_at,
    converted_at,
    unsubscribed_at
from contacts
