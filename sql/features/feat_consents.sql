-- On which channels a customer may be written or called to for the purpose of the campaigns, from one pass over the changes of consent.
with consents as (
    select * from {{ ref('stg_consents') }}
),

channels as (
    select
        customer_id,
        channel,
        max(changed_at) filter (where is_granted) as granted_at,
        max(changed_at) filter (where not is_granted) as refused_at
    from consents
    where purpose = '{{ var('consent_purpose') }}'
    group by customer_id, channel
),

-- The newest change holds. A refusal that follows a grant is a withdrawal.
states as (
    select
        customer_id,
        granted_at is not null and (refused_at is null or granted_at > refused_at) as is_granted,
        case
            when refused_at >= granted_at then (to_unixtime({{ as_of }}) - to_unixtime(refused_at) - 1) / 86400
        end as withdrawn_days_ago
    from channels
)

select
    customer_id,
    cast(count(*) filter (where is_granted) as double) as consented_channels,
    cast(count(*) filter (where withdrawn_days_ago < 90) as double) as consents_withdrawn_90d,
    cast(min(withdrawn_days_ago) as double) as days_since_consent_withdrawn
from states
group by customer_id
