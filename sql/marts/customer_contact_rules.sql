with population as (
    select * from {{ ref('feat_population') }}
),

support_tickets as (
    select * from {{ ref('stg_support_tickets') }}
),

contacts as (
    select * from {{ ref('stg_contacts') }}
),

open_tickets as (
    select
        customer_id,
        count(*) as open_cases
    from support_tickets
    where closed_at is null or closed_at >= {{ as_of }}
    group by customer_id
),

-- News without an intervention are no reason to hold back an offer.
interventions as (
    select
        customer_id,
        max(sent_at) as last_contacted_at
    from contacts
    where intervention is not null
    group by customer_id
)

select
    population.customer_id,
    coalesce(open_tickets.open_cases, 0) as open_cases,
    interventions.last_contacted_at,
    (to_unixtime({{ as_of }}) - to_unixtime(interventions.last_contacted_at) - 1) / 86400 as days_since_last_contact
from population
left join open_tickets on population.customer_id = open_tickets.customer_id
left join interventions on population.customer_id = interventions.customer_id
