with refused as (
    select * from {{ refused('retailer', 'contacts') }}
)

-- A row that does not say whom it is about is kept: it is counted among those that name nobody.
select
    customer_id,
    sent_at,
    lower(trim(channel)) as channel,
    intervention,
    unsubscribed_at
from refused
