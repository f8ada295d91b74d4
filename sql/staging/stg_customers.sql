with versions as (
    select * from {{ source('retailer', 'customers') }}
),

newest as (
    select
        customer_id,
        max(valid_from) as valid_from
    from versions
    group by customer_id
)

-- The key of the source makes one version the newest; were there two, max() would still not depend on their order.
select
    newest.customer_id,
    newest.valid_from,
    max(versions.signed_up_at) as signed_up_at,
    max(versions.country) as country,
    max(versions.region) as region,
    max(versions.birth_year) as birth_year,
    max(versions.gender) as gender,
    max(versions.income_band) as income_band
from newest
inner join versions on newest.customer_id = versions.customer_id and newest.valid_from = versions.valid_from
group by newest.customer_id, newest.valid_from
