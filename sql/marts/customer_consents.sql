with consents as (
    select * from {{ ref('stg_consents') }}
),

contacts as (
    select * from {{ ref('stg_contacts') }}
),

refused_consents as (
    select * from {{ ref('stg_refused_consents') }}
    where customer_id is not null
),

refused_contacts as (
    select * from {{ ref('stg_refused_contacts') }}
    where customer_id is not null
),

-- What closes a channel but does not say for which purpose, or not even which channel. Doubt closes.
closures as (
    select
        customer_id,
        channel,
        purpose,
        coalesce(changed_at, {{ suppression_as_of }}) as changed_at
    from refused_consents
    union all
    select
        customer_id,
        channel,
        null as purpose,
        unsubscribed_at as changed_at
    from contacts
    where unsubscribed_at is not null
    union all
    select
        customer_id,
        channel,
        null as purpose,
        unsubscribed_at as changed_at
    from refused_contacts
    where unsubscribed_at is not null
),

-- Every channel and purpose that a closure may be about.
scopes as (
    select channel, purpose from consents
    union
    select channel, coalesce(purpose, '{{ var('consent_purpose') }}') as purpose from closures where channel is not null
),

changes as (
    select
        customer_id,
        channel,
        purpose,
        changed_at,
        case when is_granted then 'granted' else 'withdrawn' end as change
    from consents
    union all
    select
        closures.customer_id,
        scopes.channel,
        scopes.purpose,
        closures.changed_at,
        'closed' as change
    from closures
    inner join scopes
        on (closures.channel is null or closures.channel = scopes.channel)
        and (closures.purpose is null or closures.purpose = scopes.purpose)
),

newest as (
    select
        customer_id,
        channel,
        purpose,
        max(case when change = 'granted' then changed_at end) as granted_at,
        max(case when change = 'withdrawn' then changed_at end) as withdrawn_at,
        max(case when change = 'closed' then changed_at end) as closed_at
    from changes
    group by customer_id, channel, purpose
)

-- A grant reopens a channel only if it is later than all that closed it.
select
    customer_id,
    channel,
    purpose,
    granted_at,
    withdrawn_at,
    closed_at,
    granted_at is not null
    and (withdrawn_at is null or withdrawn_at < granted_at)
    and (closed_at is null or closed_at < granted_at) as is_granted
from newest
