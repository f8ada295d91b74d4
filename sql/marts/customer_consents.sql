with consents as (
    select * from {{ ref('stg_consents') }}
),

changes as (
    select
        customer_id,
        channel,
        purpose,
        max(case when is_granted then changed_at end) as granted_at,
        max(case when not is_granted then changed_at end) as withdrawn_at
    from consents
    group by customer_id, channel, purpose
)

-- Of a grant and a withdrawal at the same instant the withdrawal holds.
select
    customer_id,
    channel,
    purpose,
    granted_at,
    withdrawn_at,
    granted_at is not null and (withdrawn_at is null or withdrawn_at < granted_at) as is_granted
from changes
