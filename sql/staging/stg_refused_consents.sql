with refused as (
    select * from {{ refused('retailer', 'consents') }}
)

-- A row that does not say whom it is about is kept: it is counted among those that name nobody.
select
    customer_id,
    lower(trim(channel)) as channel,
    lower(trim(purpose)) as purpose,
    changed_at
from refused
