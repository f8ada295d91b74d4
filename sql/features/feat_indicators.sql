-- The state of the economy as it was published by as-of: one row, the same for every customer.
with indicators as (
    select * from {{ ref('stg_indicators') }}
),

dated_indicators as (
    select
        *,
        max(published_at) over (partition by indicator, period) as newest_published_at,
        max(period) over (partition by indicator) as newest_period
    from indicators
),

-- The newest revision of the newest period, and of the one three months before it.
newest as (
    select
        indicator,
        max(value) filter (where period = newest_period) as newest_value,
        max(value) filter (where period = newest_period - interval '3' month) as earlier_value
    from dated_indicators
    where published_at = newest_published_at
    group by indicator
)

select
    max(newest_value) filter (where indicator = 'consumer_confidence') as consumer_confidence,
    max(newest_value - earlier_value) filter (where indicator = 'consumer_confidence') as consumer_confidence_change_3m,
    max(newest_value) filter (where indicator = 'inflation_rate') as inflation_rate,
    max(newest_value - earlier_value) filter (where indicator = 'inflation_rate') as inflation_rate_change_3m,
    max(newest_value) filter (where indicator = 'unemployment_rate') as unemployment_rate,
    max(newest_value - earlier_value) filter (where indicator = 'unemployment_rate') as unemployment_rate_change_3m
from newest
