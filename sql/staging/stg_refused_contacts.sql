with refused as (
    select * from {{ refused('retailer', 'contacts') }}
)

-- Whom such a row is about must be known; all else may be missing.
select
    customer_id,
    sent_at,
    lower(trim(channel)) as channel,
    intervention,
    unsubscribed_at
from refused
where customer_id is not null
