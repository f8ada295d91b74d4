-- The grocer keeps no list of households: one is known from the first basket on. What it said of itself bears no date.
with basket_lines as (
    select * from {{ ref('stg_basket_lines') }}
),

demographics as (
    select * from {{ source('grocer', 'demographics') }}
),

households as (
    select
        customer_id,
        min(bought_at) as first_bought_at
    from basket_lines
    group by customer_id
)

select
    households.customer_id,
    households.first_bought_at as valid_from,
    households.first_bought_at as signed_up_at,
    cast(null as varchar) as country,
    cast(null as varchar) as region,
    demographics.age as age_band,
    demographics.income as income_band
from households
left join demographics on households.customer_id = cast(demographics.household_id as varchar)
