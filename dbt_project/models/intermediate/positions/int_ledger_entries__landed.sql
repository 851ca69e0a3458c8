-- Read once from all that landed: chosen first, cast then. Everything further on reads these few.
with

ledger as (
    select * from {{ ref('stg_exchanges__ledger_entries') }}
),

quoted as (
    select * from {{ ref('int_accounts__quoted') }}
),

kept as (
    select
        ledger.* replace (
            {{ exact('ledger.qty_contracts') }} as qty_contracts,
            {{ exact('ledger.price') }} as price,
            {{ exact('ledger.pnl') }} as pnl,
            {{ exact('ledger.fee') }} as fee,
            {{ exact('ledger.margin_change') }} as margin_change,
            {{ exact('ledger.amount') }} as amount
        )
    from ledger
    semi join quoted using (exchange, account_id)
)

select * from kept
