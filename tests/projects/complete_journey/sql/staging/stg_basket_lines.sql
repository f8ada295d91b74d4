-- The lines of baskets, with amounts in whole cents and the categories of their products.
with transactions as (
    select * from {{ source('grocer', 'transactions') }}
),

products as (
    select * from {{ source('grocer', 'products') }}
)

select
    transactions.basket_id,
    transactions.product_id,
    cast(transactions.household_id as varchar) as customer_id,
    transactions.transaction_timestamp as bought_at,
    coalesce(products.product_category, products.department) as category,
    -- Petrol is counted in thousandths of a gallon.
    case when products.product_type like 'GASOLINE%' then 1 else transactions.quantity end as quantity,
    cast(transactions.sales_value as decimal(18, 2)) as net_amount,
    cast(transactions.retail_disc as decimal(18, 2))
    + cast(transactions.coupon_match_disc as decimal(18, 2)) as discount_amount
from transactions
left join products on transactions.product_id = products.product_id
