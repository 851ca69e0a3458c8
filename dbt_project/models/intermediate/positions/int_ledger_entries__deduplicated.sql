-- Only the accounts that matter, and only the latest reading of each entry: then numbers are cast.
-- Where the venue names the fill alone, the fill says which order the entry belongs to.
with

ledger as (
    select * from {{ ref('stg_exchanges__ledger_entries') }}
),

fills as (
    select * from {{ ref('int_fills__deduplicated') }}
),

nominated as (
    select * from {{ ref('int_accounts__nominated') }}
),

latest as (
    select ledger.*
    from ledger
    semi join nominated using (exchange, account_id)
    {{ latest_by(
        ['exchange', 'account_id', 'entry_id'],
        ['recorded_at desc', 'reply_sha256 desc']
    ) }}
),

resolved as (
    select
        latest.* replace (
            coalesce(latest.order_id, fills.order_id) as order_id,
            {{ exact('latest.qty_contracts') }} as qty_contracts,
            {{ exact('latest.price') }} as price,
            {{ exact('latest.pnl') }} as pnl,
            {{ exact('latest.fee') }} as fee,
            {{ exact('latest.margin_change') }} as margin_change,
            {{ exact('latest.amount') }} as amount
        )
    from latest
    left join fills
        on
            latest.exchange = fills.exchange
            and latest.account_id = fills.account_id
            and latest.fill_id = fills.fill_id
)

select * from resolved
