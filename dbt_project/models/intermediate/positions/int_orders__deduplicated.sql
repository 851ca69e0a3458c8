-- Only the accounts with a nominated order: the rows of all others are never sorted.
with

orders as (
    select * from {{ ref('int_orders__landed') }}
),

nominated as (
    select distinct
        exchange,
        account_id
    from {{ ref('int_orders__nominated') }}
),

deduplicated as (
    select orders.*
    from orders
    semi join nominated using (exchange, account_id)
    {{ latest_by(
        ['exchange', 'account_id', 'order_id'],
        ['updated_at desc', 'filled_qty_contracts desc', 'reply_sha256 desc']
    ) }}
)

select * from deduplicated
