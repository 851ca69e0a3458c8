-- Read once from all that landed: chosen first, cast then. Everything further on reads these few.
with

orders as (
    select * from {{ ref('stg_exchanges__orders') }}
),

quoted as (
    select * from {{ ref('int_accounts__quoted') }}
),

kept as (
    select
        orders.* replace (
            {{ exact('orders.leverage') }} as leverage,
            {{ exact('orders.average_price') }} as average_price,
            {{ exact('orders.ordered_qty_contracts') }} as ordered_qty_contracts,
            {{ exact('orders.filled_qty_contracts') }} as filled_qty_contracts,
            {{ exact('orders.fee') }} as fee,
            {{ exact('orders.pnl') }} as pnl
        )
    from orders
    semi join quoted using (exchange, account_id)
)

select * from kept
