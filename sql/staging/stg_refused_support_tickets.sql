with refused as (
    select * from {{ refused('retailer', 'support_tickets') }}
)

-- A row that does not say whom it is about is kept: it is counted among those that name nobody.
select
    customer_id,
    closed_at
from refused
