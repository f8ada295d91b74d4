with versions as (
    select * from {{ source('retailer', 'customers') }}
)

-- The key of the source makes one version the newest; were there two, the least of their values would not depend on their order.
select
    customer_id,
    max(valid_from) as valid_from,
    first_value(signed_up_at order by valid_from desc, signed_up_at) as signed_up_at,
    first_value(country order by valid_from desc, country) as country,
    first_value(region order by valid_from desc, region) as region,
    first_value(birth_year order by valid_from desc, birth_year) as birth_year,
    first_value(gender order by valid_from desc, gender) as gender,
    first_value(income_band order by valid_from desc, income_band) as income_band
from versions
group by customer_id
