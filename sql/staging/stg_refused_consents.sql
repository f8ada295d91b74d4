with refused as (
    select * from {{ refused('retailer', 'consents') }}
)

-- Whose consent such a row is about must be known; all else may be missing.
select
    customer_id,
    lower(trim(channel)) as channel,
    lower(trim(purpose)) as purpose,
    changed_at
from refused
where customer_id is not null
