-- The invoice lines that count, with amounts in whole cents. Exact duplicates still stand in them: see stg_orders.
with invoice_lines as (
    select * from {{ source('shop', 'invoice_lines') }}
),

-- Left out: lines without a customer, free goods and bad debt (no price above 0), write-offs (a negative quantity that
-- cancels no invoice), and 1 to 9 December 2010 of the first sheet, which the second repeats.
cleaned as (
    select
        "Invoice" as invoice,
        "StockCode" as stock_code,
        "Quantity" as quantity,
        "InvoiceDate" as invoiced_at,
        cast("Price" as decimal(12, 3)) as unit_price,
        cast("Customer ID" as varchar) as customer_id,
        "Country" as country,
        starts_with("Invoice", 'C') as is_cancellation
    from invoice_lines
    where
        "Customer ID" is not null
        and "Price" > 0
        and (("Quantity" > 0 and not starts_with("Invoice", 'C')) or ("Quantity" < 0 and starts_with("Invoice", 'C')))
        and not ("sheet" = '2009-2010' and "InvoiceDate" >= timestamp '2010-12-01T00:00:00Z')
)

select
    invoice,
    stock_code,
    invoiced_at,
    customer_id,
    country,
    abs(quantity) as quantity,
    unit_price,
    cast(abs(quantity) * unit_price as decimal(18, 2)) as amount,
    is_cancellation
from cleaned
