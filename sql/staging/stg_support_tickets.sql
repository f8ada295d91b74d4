with support_tickets as (
    select * from {{ source('retailer', 'support_tickets') }}
)

select
    ticket_id,
    customer_id,
    opened_at,
    closed_at,
    severity,
    topic,
    satisfaction
from support_tickets
