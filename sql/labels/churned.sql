with population as (
    select * from {{ ref('feat_population') }}
),

orders as (
    select * from {{ ref('stg_orders') }}
),

returning as (
    select distinct customer_id
    from orders
    where
        not is_return
        and ordered_at >= {{ as_of }}
        and ordered_at < {{ label_end }}
)

select
    population.customer_id,
    cast(case when returning.customer_id is null then 1 else 0 end as integer) as churned
from population
left join returning on population.customer_id = returning.customer_id
where population.status = 'eligible'
