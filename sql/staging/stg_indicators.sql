with indicators as (
    select * from {{ source('retailer', 'indicators') }}
)

select
    indicator,
    period,
    published_at,
    value
from indicators
