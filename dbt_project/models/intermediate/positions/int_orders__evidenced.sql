-- What order list, fills and account ledger each say about one order, side by side.
with

nominated as (
    select * from {{ ref('int_orders__nominated') }}
),

orders as (
    select * from {{ ref('stg_okx__orders') }}
),

fills as (
    select * from {{ ref('stg_okx__fills') }}
),

bills as (
    select * from {{ ref('int_order_bills__summed') }}
),

markers as (
    select * from {{ ref('exchange_markers') }} where source = 'order_category'
),

summed_fills as (
    select
        fills.exchange,
        fills.account_id,
        fills.order_id,
        sum(fills.qty_contracts) as qty_contracts,
        sum(fills.pnl) as pnl,
        min(fills.price) as low_price,
        max(fills.price) as high_price,
        max(fills.filled_at) as filled_at,
        list_sort(list_distinct(list(fills.reply_sha256))) as reply_hashes
    from fills
    inner join nominated using (exchange, account_id, order_id)
    group by fills.exchange, fills.account_id, fills.order_id
),

joined as (
    select
        nominated.exchange,
        nominated.account_id,
        nominated.order_id,
        coalesce(orders.inst_id, bills.inst_id) as inst_id,
        orders.order_id is not null as is_order_landed,
        orders.position_slot,
        orders.order_side,
        orders.margin_mode,
        orders.leverage,
        orders.average_price,
        orders.filled_qty_contracts as order_qty_contracts,
        summed_fills.qty_contracts as fills_qty_contracts,
        bills.qty_contracts as bills_qty_contracts,
        orders.pnl as order_pnl,
        summed_fills.pnl as fills_pnl,
        bills.pnl as bills_pnl,
        orders.fee as order_fee,
        summed_fills.low_price as fills_low_price,
        summed_fills.high_price as fills_high_price,
        if(orders.order_id is not null, coalesce(markers.forced_kind, 'own_close'), null)
            as kind_by_order,
        bills.forced_kind as kind_by_bills,
        coalesce(summed_fills.filled_at, orders.filled_at, bills.recorded_at) as liquidated_at,
        list_concat(
            if(orders.order_id is not null, [orders.reply_sha256], []),
            coalesce(summed_fills.reply_hashes, []),
            coalesce(bills.reply_hashes, [])
        ) as reply_hashes
    from nominated
    left join orders using (exchange, account_id, order_id)
    left join summed_fills using (exchange, account_id, order_id)
    left join bills using (exchange, account_id, order_id)
    left join markers
        on nominated.exchange = markers.exchange and orders.order_category = markers.marker
    where orders.order_id is not null or bills.order_id is not null
),

evidenced as (
    select
        *,
        case
            when kind_by_order = 'full' and kind_by_bills = 'takeover' then 'takeover'
            else coalesce(kind_by_order, kind_by_bills)
        end as forced_kind
    from joined
)

select * from evidenced
