with clients as (
    select * from {{ source('shop', 'clients') }}
)

select
    cast(client_no as varchar) as customer_id,
    cast(created as timestamp) as valid_from,
    cast(created as timestamp) as signed_up_at,
    'FR' as country,
    city as region
from clients
