-- What the account ledger says about each nominated order. Quantity and result count only when
-- every trade entry of the order states its part.
with

nominated as (
    select * from {{ ref('int_orders__nominated') }}
),

ledger as (
    select
        *,
        entry_kind in ('trade', 'liquidation', 'adl') as is_trade
    from {{ ref('int_ledger_entries__deduplicated') }}
),

summed as (
    select
        ledger.exchange,
        ledger.account_id,
        ledger.order_id,
        any_value(ledger.inst_id) as inst_id,
        {{ whole_sum('ledger.qty_contracts', 'ledger.is_trade') }} as qty_contracts,
        {{ whole_sum('ledger.pnl', 'ledger.is_trade') }} as pnl,
        max(ledger.recorded_at) as recorded_at,
        {{ agreed_kind('ledger.forced_kind') }} as forced_kind,
        list_sort(list_distinct(list(ledger.reply_sha256))) as reply_hashes
    from ledger
    inner join nominated using (exchange, account_id, order_id)
    group by ledger.exchange, ledger.account_id, ledger.order_id
)

select * from summed
