-- Only the accounts with a nominated order. Where the venue names the fill alone, the fill says
-- which order the entry belongs to.
with

ledger as (
    select * from {{ ref('int_ledger_entries__landed') }}
),

fills as (
    select * from {{ ref('int_fills__deduplicated') }}
),

nominated as (
    select distinct
        exchange,
        account_id
    from {{ ref('int_orders__nominated') }}
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
        latest.* exclude (order_id),
        coalesce(latest.order_id, fills.order_id) as order_id
    from latest
    left join fills
        on
            latest.exchange = fills.exchange
            and latest.account_id = fills.account_id
            and latest.fill_id = fills.fill_id
)

select * from resolved
