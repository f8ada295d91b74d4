with population as (
    select * from {{ ref('feat_population') }}
),

orders as (
    select * from {{ ref('feat_orders') }}
),

order_lines as (
    select * from {{ ref('feat_order_lines') }}
),

web_events as (
    select * from {{ ref('feat_web_events') }}
),

tickets as (
    select * from {{ ref('feat_support_tickets') }}
),

contacts as (
    select * from {{ ref('feat_contacts') }}
),

consents as (
    select * from {{ ref('feat_consents') }}
),

indicators as (
    select * from {{ ref('feat_indicators') }}
)

select
    population.customer_id,
    population.status,
    population.status_reason,
    population.days_since_sign_up,
    orders.days_since_last_order,
    orders.days_since_first_order,
    orders.active_share_of_tenure,
    coalesce(orders.orders_7d, 0) as orders_7d,
    coalesce(orders.orders_30d, 0) as orders_30d,
    coalesce(orders.orders_90d, 0) as orders_90d,
    coalesce(orders.orders_180d, 0) as orders_180d,
    coalesce(orders.orders_365d, 0) as orders_365d,
    coalesce(orders.order_days_365d, 0) as order_days_365d,
    orders.order_days_per_month,
    coalesce(orders.orders_half_life_30d, 0) as orders_half_life_30d,
    coalesce(orders.orders_same_season, 0) as orders_same_season,
    coalesce(orders.net_revenue_30d, 0) as net_revenue_30d,
    coalesce(orders.net_revenue_90d, 0) as net_revenue_90d,
    coalesce(orders.net_revenue_180d, 0) as net_revenue_180d,
    coalesce(orders.net_revenue_365d, 0) as net_revenue_365d,
    orders.average_order_value_365d,
    orders.order_value_deviation_365d,
    orders.smallest_order_365d,
    orders.largest_order_365d,
    orders.last_order_in_average_values,
    orders.mean_gap_days,
    orders.gap_deviation_days,
    orders.longest_gap_days,
    orders.last_gap_days,
    orders.recent_mean_gap_days,
    orders.last_gap_in_mean_gaps,
    orders.last_order_in_mean_gaps,
    orders.overdue_in_deviations,
    orders.longer_gap_share,
    orders.order_trend_30d,
    orders.order_trend_90d,
    orders.order_trend_180d,
    orders.revenue_trend_90d,
    orders.days_since_last_return,
    coalesce(orders.returned_since_last_order, 0) as returned_since_last_order,
    coalesce(orders.returns_365d, 0) as returns_365d,
    orders.return_share_365d,
    orders.discount_share_365d,
    orders.discounted_order_share_365d,
    orders.app_order_share_365d,
    orders.store_order_share_365d,
    coalesce(order_lines.distinct_products_365d, 0) as distinct_products_365d,
    coalesce(order_lines.distinct_products_90d, 0) as distinct_products_90d,
    coalesce(order_lines.distinct_categories_365d, 0) as distinct_categories_365d,
    coalesce(order_lines.distinct_categories_90d, 0) as distinct_categories_90d,
    order_lines.main_category_share_365d,
    order_lines.repeat_product_share_365d,
    order_lines.average_unit_price_365d,
    web_events.days_since_last_session,
    coalesce(web_events.sessions_7d, 0) as sessions_7d,
    coalesce(web_events.sessions_30d, 0) as sessions_30d,
    coalesce(web_events.sessions_90d, 0) as sessions_90d,
    coalesce(web_events.sessions_365d, 0) as sessions_365d,
    web_events.session_trend_30d,
    web_events.session_trend_90d,
    web_events.session_share_30d,
    coalesce(web_events.product_views_90d, 0) as product_views_90d,
    web_events.views_per_session_90d,
    coalesce(web_events.searches_90d, 0) as searches_90d,
    coalesce(web_events.carts_90d, 0) as carts_90d,
    coalesce(web_events.carts_without_checkout_90d, 0) as carts_without_checkout_90d,
    coalesce(web_events.errors_30d, 0) as errors_30d,
    web_events.error_share_90d,
    web_events.mobile_share_90d,
    tickets.days_since_last_ticket,
    coalesce(tickets.open_tickets, 0) as open_tickets,
    coalesce(tickets.tickets_30d, 0) as tickets_30d,
    coalesce(tickets.tickets_90d, 0) as tickets_90d,
    coalesce(tickets.tickets_365d, 0) as tickets_365d,
    coalesce(tickets.severe_tickets_90d, 0) as severe_tickets_90d,
    tickets.unsolved_ticket_share_365d,
    tickets.mean_days_to_close_365d,
    tickets.mean_satisfaction_365d,
    tickets.lowest_satisfaction_90d,
    contacts.days_since_last_offer,
    contacts.days_since_last_open,
    coalesce(contacts.contacts_30d, 0) as contacts_30d,
    coalesce(contacts.contacts_90d, 0) as contacts_90d,
    coalesce(contacts.opened_contacts_30d, 0) as opened_contacts_30d,
    coalesce(contacts.opened_contacts_90d, 0) as opened_contacts_90d,
    coalesce(contacts.clicked_contacts_90d, 0) as clicked_contacts_90d,
    contacts.open_share_90d,
    contacts.open_share_365d,
    coalesce(contacts.unsubscribed_365d, 0) as unsubscribed_365d,
    coalesce(consents.consented_channels, 0) as consented_channels,
    coalesce(consents.consents_withdrawn_90d, 0) as consents_withdrawn_90d,
    consents.days_since_consent_withdrawn,
    order_lines.lines_365d / nullif(orders.orders_365d, 0) as lines_per_order_365d,
    order_lines.units_365d / nullif(orders.orders_365d, 0) as units_per_order_365d,
    order_lines.lines_90d / nullif(orders.orders_90d, 0) as lines_per_order_90d,
    web_events.sessions_90d / (coalesce(orders.orders_90d, 0) + 1) as sessions_per_order_90d,
    indicators.consumer_confidence,
    indicators.consumer_confidence_change_3m,
    indicators.inflation_rate,
    indicators.inflation_rate_change_3m,
    indicators.unemployment_rate,
    indicators.unemployment_rate_change_3m
-- The one row comes first: what stands to the right of a cross join is joined row by row.
from indicators
cross join population
left join orders on population.customer_id = orders.customer_id
left join order_lines on population.customer_id = order_lines.customer_id
left join web_events on population.customer_id = web_events.customer_id
left join tickets on population.customer_id = tickets.customer_id
left join contacts on population.customer_id = contacts.customer_id
left join consents on population.customer_id = consents.customer_id
