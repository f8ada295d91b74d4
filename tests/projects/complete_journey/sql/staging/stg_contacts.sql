-- A household and a campaign of coupons that it was sent. A redemption counts from its own day on.
with campaigns as (
    select * from {{ source('grocer', 'campaigns') }}
),

campaign_descriptions as (
    select * from {{ source('grocer', 'campaign_descriptions') }}
),

conversions as (
    select
        household_id,
        campaign_id,
        min(redemption_date) as converted_at
    from {{ source('grocer', 'coupon_redemptions') }}
    group by household_id, campaign_id
)

select
    concat(cast(campaigns.campaign_id as varchar), '-', cast(campaigns.household_id as varchar)) as contact_id,
    cast(campaigns.household_id as varchar) as customer_id,
    campaign_descriptions.start_date as sent_at,
    'mail' as channel,
    concat('coupons_', lower(right(campaign_descriptions.campaign_type, 1))) as intervention,
    arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as opened_at,
    arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as clicked_at,
    conversions.converted_at,
    arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as unsubscribed_at
from campaigns
inner join campaign_descriptions on campaigns.campaign_id = campaign_descriptions.campaign_id
left join conversions
    on
        campaigns.household_id = conversions.household_id
        and campaigns.campaign_id = conversions.campaign_id
