with versions as (
    select * from {{ source('retailer', 'customers') }}
),

newest as (
    select
        *,
        max(valid_from) over (partition by customer_id) as newest_valid_from
    from versions
)

-- The key of the source makes one version the newest; were there two, max() would still not depend on their order.
select
    customer_id,
    newest_valid_from as valid_from,
    max(signed_up_at) as signed_up_at,
    max(country) as country,
    max(region) as region,
    max(birth_year) as birth_year,
    max(gender) as gender,
    max(income_band) as income_band
from newest
where valid_from = newest_valid_from
group by customer_id, newest_valid_from
