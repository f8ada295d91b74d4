-- What a customer made of the messages and calls of campaigns, from one pass over them. A window holds what was sent in it.
with contacts as (
    select * from {{ ref('stg_contacts') }}
),

dated_contacts as (
    select
        customer_id,
        (to_unixtime({{ as_of }}) - to_unixtime(sent_at) - 1) / 86400 as days_ago,
        (to_unixtime({{ as_of }}) - to_unixtime(opened_at) - 1) / 86400 as opened_days_ago,
        opened_at is not null as is_opened,
        clicked_at is not null as is_clicked,
        unsubscribed_at is not null as is_unsubscribed,
        intervention is not null as is_offer
    from contacts
),

totals as (
    select
        customer_id,
        min(days_ago) filter (where is_offer) as days_since_last_offer,
        min(opened_days_ago) as days_since_last_open,
        count(*) filter (where days_ago < 30) as contacts_30d,
        count(*) filter (where days_ago < 90) as contacts_90d,
        count(*) filter (where days_ago < 365) as contacts_365d,
        count(*) filter (where days_ago < 30 and is_opened) as opened_30d,
        count(*) filter (where days_ago < 90 and is_opened) as opened_90d,
        count(*) filter (where days_ago < 365 and is_opened) as opened_365d,
        count(*) filter (where days_ago < 90 and is_clicked) as clicked_90d,
        count(*) filter (where days_ago < 365 and is_unsubscribed) as unsubscribed_365d
    from dated_contacts
    group by customer_id
)

select
    customer_id,
    cast(days_since_last_offer as double) as days_since_last_offer,
    cast(days_since_last_open as double) as days_since_last_open,
    cast(contacts_30d as double) as contacts_30d,
    cast(contacts_90d as double) as contacts_90d,
    cast(opened_30d as double) as opened_contacts_30d,
    cast(opened_90d as double) as opened_contacts_90d,
    cast(clicked_90d as double) as clicked_contacts_90d,
    cast(opened_90d as double) / nullif(contacts_90d, 0) as open_share_90d,
    cast(opened_365d as double) / nullif(contacts_365d, 0) as open_share_365d,
    cast(unsubscribed_365d as double) as unsubscribed_365d
from totals
