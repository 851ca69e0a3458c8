-- Only the accounts that matter, and only the latest reading of each fill: then numbers are cast. A
-- fill that does not name its slot has that of its order.
with

fills as (
    select * from {{ ref('stg_exchanges__fills') }}
),

orders as (
    select * from {{ ref('int_orders__deduplicated') }}
),

nominated as (
    select * from {{ ref('int_accounts__nominated') }}
),

latest as (
    select fills.*
    from fills
    semi join nominated using (exchange, account_id)
    {{ latest_fill('fills') }}
),

deduplicated as (
    {{ cast_fills('latest', 'orders') }}
)

select * from deduplicated
