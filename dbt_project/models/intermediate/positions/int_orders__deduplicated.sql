-- Only the accounts that matter, and only the latest state of each order: then numbers are cast.
with

orders as (
    select * from {{ ref('stg_exchanges__orders') }}
),

nominated as (
    select * from {{ ref('int_accounts__nominated') }}
),

latest as (
    select orders.*
    from orders
    semi join nominated using (exchange, account_id)
    {{ latest_by(
        ['exchange', 'account_id', 'order_id'],
        ['updated_at desc', exact('filled_qty_contracts') ~ ' desc', 'reply_sha256 desc']
    ) }}
),

deduplicated as (
    select
        * replace (
            {{ exact('leverage') }} as leverage,
            {{ exact('average_price') }} as average_price,
            {{ exact('ordered_qty_contracts') }} as ordered_qty_contracts,
            {{ exact('filled_qty_contracts') }} as filled_qty_contracts,
            {{ exact('fee') }} as fee,
            {{ exact('pnl') }} as pnl
        )
    from latest
)

select * from deduplicated
