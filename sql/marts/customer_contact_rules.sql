with population as (
    select * from {{ ref('feat_population') }}
),

support_tickets as (
    select * from {{ ref('stg_support_tickets') }}
),

refused_support_tickets as (
    select * from {{ ref('stg_refused_support_tickets') }}
    where customer_id is not null
),

contacts as (
    select * from {{ ref('stg_contacts') }}
),

refused_contacts as (
    select * from {{ ref('stg_refused_contacts') }}
    where customer_id is not null
),

-- What broke its contract may forbid contact too. Doubt does.
tickets as (
    select customer_id, closed_at from support_tickets
    union all
    select customer_id, closed_at from refused_support_tickets
),

sent as (
    select customer_id, sent_at, intervention from contacts
    union all
    select customer_id, coalesce(sent_at, {{ as_of }}) as sent_at, intervention from refused_contacts
),

open_tickets as (
    select
        customer_id,
        count(*) as open_cases
    from tickets
    where closed_at is null or closed_at >= {{ suppression_as_of }}
    group by customer_id
),

-- Cases and contacts are those that are there when the run pins its sources; days are counted from as-of, so that a later instant
-- alone changes nothing. News without an intervention are no reason to hold back an offer.
interventions as (
    select
        customer_id,
        max(sent_at) as last_contacted_at
    from sent
    where intervention is not null
    group by customer_id
)

select
    population.customer_id,
    coalesce(open_tickets.open_cases, 0) as open_cases,
    interventions.last_contacted_at,
    case
        when interventions.last_contacted_at >= {{ as_of }} then 0
        else (to_unixtime({{ as_of }}) - to_unixtime(interventions.last_contacted_at) - 1) / 86400
    end as days_since_last_contact
from population
left join open_tickets on population.customer_id = open_tickets.customer_id
left join interventions on population.customer_id = interventions.customer_id
