-- All features of the reference project, and ours. The jobs name this model as their `features`.
with features as (
    select * from {{ ref('customer_features') }}
),

weekend as (
    select * from {{ ref('feat_weekend') }}
)

select
    features.*,
    weekend.weekend_order_share_365d
from features
left join weekend on features.customer_id = weekend.customer_id
