with refused as (
    select * from {{ refused('retailer', 'support_tickets') }}
)

-- Whose case such a row is about must be known; all else may be missing.
select
    customer_id,
    closed_at
from refused
where customer_id is not null
