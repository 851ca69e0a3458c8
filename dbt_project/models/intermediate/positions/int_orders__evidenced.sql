-- What order list, fills and account ledger each say about one order, side by side.
with

nominated as (
    select * from {{ ref('int_orders__nominated') }}
),

orders as (
    select * from {{ ref('int_orders__deduplicated') }}
),

fills as (
    select * from {{ ref('int_fills__deduplicated') }}
),

ledger as (
    select * from {{ ref('int_order_ledgers__summed') }}
),

summed_fills as (
    select
        fills.exchange,
        fills.account_id,
        fills.order_id,
        any_value(fills.inst_id) as inst_id,
        any_value(fills.position_slot) as position_slot,
        any_value(fills.order_side) as order_side,
        sum(fills.qty_contracts) as qty_contracts,
        {{ whole_sum('fills.pnl') }} as pnl,
        {{ whole_sum('fills.fee') }} as fee,
        {{ agreed_kind('fills.forced_kind') }} as forced_kind,
        sum(
            cast(fills.qty_contracts as decimal(24, 8)) * cast(fills.price as decimal(24, 12))
        ) as price_qty,
        min(fills.price) as low_price,
        max(fills.price) as high_price,
        max(fills.filled_at) as filled_at,
        list_sort(list_distinct(list(fills.reply_sha256))) as reply_hashes
    from fills
    inner join nominated using (exchange, account_id, order_id)
    group by fills.exchange, fills.account_id, fills.order_id
),

evidenced as (
    select
        nominated.exchange,
        nominated.account_id,
        nominated.order_id,
        coalesce(orders.inst_id, summed_fills.inst_id, ledger.inst_id) as inst_id,
        orders.order_id is not null as is_order_landed,
        coalesce(orders.position_slot, summed_fills.position_slot) as position_slot,
        coalesce(orders.order_side, summed_fills.order_side) as order_side,
        orders.margin_mode,
        orders.leverage,
        orders.average_price,
        orders.filled_qty_contracts as order_qty_contracts,
        summed_fills.qty_contracts as fills_qty_contracts,
        ledger.qty_contracts as ledger_qty_contracts,
        orders.pnl as order_pnl,
        summed_fills.pnl as fills_pnl,
        ledger.pnl as ledger_pnl,
        coalesce(orders.fee, summed_fills.fee) as order_fee,
        summed_fills.price_qty as fills_price_qty,
        summed_fills.low_price as fills_low_price,
        summed_fills.high_price as fills_high_price,
        orders.forced_kind as kind_by_order,
        summed_fills.forced_kind as kind_by_fills,
        ledger.forced_kind as kind_by_ledger,
        coalesce(summed_fills.filled_at, orders.filled_at, ledger.recorded_at) as liquidated_at,
        list_concat(
            if(orders.order_id is not null, [orders.reply_sha256], []),
            coalesce(summed_fills.reply_hashes, []),
            coalesce(ledger.reply_hashes, [])
        ) as reply_hashes
    from nominated
    left join orders using (exchange, account_id, order_id)
    left join summed_fills using (exchange, account_id, order_id)
    left join ledger using (exchange, account_id, order_id)
    where
        orders.order_id is not null
        or summed_fills.order_id is not null
        or ledger.order_id is not null
)

select * from evidenced
