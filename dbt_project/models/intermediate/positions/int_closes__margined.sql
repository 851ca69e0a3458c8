-- Margin put in and taken out of the episode up to the close. Where the ledger does not state the
-- margin of every opening order, it is the opened notional over the leverage it was opened at.
with

closes as (
    select * from {{ ref('int_closes__placed') }} where opened_at is not null
),

geared as (
    select * from {{ ref('int_closes__geared') }}
),

opening_orders as (
    select * from {{ ref('int_closes__opened') }}
),

ledger as (
    select * from {{ ref('int_ledger_entries__deduplicated') }}
),

-- Null when an opening order has no entry: a margin that is too small is worse than none.
opening_margin as (
    select
        opening_orders.exchange,
        opening_orders.account_id,
        opening_orders.order_id,
        case
            when count(distinct opening_orders.opening_order_id) = count(distinct ledger.order_id)
                then sum(ledger.margin_change)
        end as margin_stated,
        list_sort(list_distinct(list(ledger.reply_sha256))) as reply_hashes
    from opening_orders
    left join ledger
        on
            opening_orders.exchange = ledger.exchange
            and opening_orders.account_id = ledger.account_id
            and opening_orders.opening_order_id = ledger.order_id
            and opening_orders.liquidated_at >= ledger.recorded_at
            and ledger.margin_change > 0
    group by opening_orders.exchange, opening_orders.account_id, opening_orders.order_id
),

moved_margin as (
    select
        closes.exchange,
        closes.account_id,
        closes.order_id,
        sum(ledger.margin_change) filter (where ledger.margin_change > 0) as margin_added,
        -sum(ledger.margin_change) filter (where ledger.margin_change < 0) as margin_removed
    from closes
    inner join ledger
        on
            closes.exchange = ledger.exchange
            and closes.account_id = ledger.account_id
            and closes.inst_id = ledger.inst_id
            and ledger.recorded_at between closes.opened_at and closes.liquidated_at
    where ledger.entry_kind = 'margin'
    group by closes.exchange, closes.account_id, closes.order_id
),

-- Sizes and leverages as the smallest whole numbers over each other keep the products in range.
reduced as (
    select
        closes.exchange,
        closes.account_id,
        closes.order_id,
        {{ units('closes.opened_price_qty') }} as price_qty_units,
        {{ units('closes.contract_size') }} as size_units,
        {{ units('geared.opening_leverage') }} as leverage_units,
        gcd(size_units, leverage_units) as divisor,
        geared.opening_leverage
    from closes
    inner join geared using (exchange, account_id, order_id)
    where geared.opening_leverage > 0
),

derived as (
    select
        exchange,
        account_id,
        order_id,
        -- Price times quantity counts 1e-20, margins count 1e-18.
        price_qty_units * (size_units // divisor) // (leverage_units // divisor * 100)
            as margin_units,
        {{ from_units('margin_units') }} as margin_derived
    from reduced
),

margined as (
    select
        closes.exchange,
        closes.account_id,
        closes.order_id,
        coalesce(opening_margin.margin_stated, derived.margin_derived) as margin_opened,
        opening_margin.margin_stated is not null as is_margin_stated,
        coalesce(moved_margin.margin_added, 0) as margin_added,
        coalesce(moved_margin.margin_removed, 0) as margin_removed,
        opening_margin.reply_hashes as margin_reply_hashes,
        geared.opening_leverage,
        geared.highest_leverage,
        geared.is_isolated
    from closes
    inner join geared using (exchange, account_id, order_id)
    left join opening_margin using (exchange, account_id, order_id)
    left join moved_margin using (exchange, account_id, order_id)
    left join derived using (exchange, account_id, order_id)
)

select * from margined
