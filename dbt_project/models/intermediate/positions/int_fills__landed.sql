-- Read once from all that landed: chosen first, cast then. Everything further on reads these few.
with

fills as (
    select * from {{ ref('stg_exchanges__fills') }}
),

quoted as (
    select * from {{ ref('int_accounts__quoted') }}
),

kept as (
    select
        fills.* replace (
            {{ exact('fills.price') }} as price,
            {{ exact('fills.qty_contracts') }} as qty_contracts,
            {{ exact('fills.pnl') }} as pnl,
            {{ exact('fills.fee') }} as fee
        )
    from fills
    semi join quoted using (exchange, account_id)
)

select * from kept
