-- Mainstay's sums of orders with the gaps between their days from windows: DuckDB sorts the days of all customers faster than it makes
-- a list of those of each.
with totals as (
    {{ own }}
),

order_days as (
    select distinct
        customer_id,
        (to_unixtime({{ as_of }}) - to_unixtime(ordered_at) - 1) / 86400 as days_ago
    from {{ ref('stg_orders') }}
    where not is_return
),

spaced_order_days as (
    select
        customer_id,
        days_ago,
        lead(days_ago) over newest_first - days_ago as gap_days,
        row_number() over newest_first as newest,
        first_value(days_ago) over newest_first as pause_days
    from order_days
    window newest_first as (
        partition by customer_id
        order by days_ago
        rows between unbounded preceding and unbounded following
    )
),

day_gaps as (
    select
        customer_id,
        count(*) as order_days,
        count(*) filter (where days_ago < 365) as order_days_365d,
        count(gap_days) as gaps,
        count(gap_days) filter (where newest <= 3) as recent_gaps,
        sum(gap_days) as gap_days,
        sum(gap_days * gap_days) as squared_gap_days,
        max(gap_days) as longest_gap_days,
        max(gap_days) filter (where newest = 1) as last_gap_days,
        sum(gap_days) filter (where newest <= 3) as recent_gap_days,
        count(*) filter (where gap_days > pause_days) as longer_gaps
    from spaced_order_days
    group by customer_id
)

select
    totals.* replace (
        coalesce(day_gaps.order_days, 0) as order_days,
        coalesce(day_gaps.order_days_365d, 0) as order_days_365d,
        coalesce(day_gaps.gaps, 0) as gaps,
        coalesce(day_gaps.recent_gaps, 0) as recent_gaps,
        day_gaps.gap_days as gap_days,
        day_gaps.squared_gap_days as squared_gap_days,
        day_gaps.longest_gap_days as longest_gap_days,
        day_gaps.last_gap_days as last_gap_days,
        day_gaps.recent_gap_days as recent_gap_days,
        day_gaps.longer_gaps as longer_gaps
    )
from totals
left join day_gaps on totals.customer_id = day_gaps.customer_id
