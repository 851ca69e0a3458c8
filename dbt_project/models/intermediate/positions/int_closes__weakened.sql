-- What brought the liquidation price nearer in the day before the close: margin taken out, and
-- leverage raised above what it had been, with the worst mark price since the first of them.
with

closes as (
    select * from {{ ref('int_closes__measured') }} where opened_at is not null
),

ledger as (
    select * from {{ ref('int_ledger_entries__deduplicated') }} where entry_kind = 'margin'
),

orders as (
    select * from {{ ref('int_orders__deduplicated') }} where filled_qty_contracts > 0
),

settings as (
    select * from {{ ref('stg_exchanges__leverages') }}
),

limits as (
    {{ thresholds() }}
),

watched as (
    select
        closes.*,
        greatest(
            closes.opened_at, closes.liquidated_at - to_seconds(limits.induced_window_seconds)
        ) as watched_from_at,
        closes.liquidated_at + to_seconds(limits.price_touch_window_seconds) as watched_to_at
    from closes
    cross join limits
),

removals as (
    select
        watched.exchange,
        watched.account_id,
        watched.order_id,
        ledger.recorded_at as weakened_at,
        -ledger.margin_change as removed,
        ledger.reply_sha256
    from watched
    inner join ledger using (exchange, account_id, inst_id)
    where
        ledger.margin_change < 0
        and ledger.recorded_at >= watched.watched_from_at
        and ledger.recorded_at < watched.liquidated_at
),

readings as (
    select
        watched.exchange,
        watched.account_id,
        watched.order_id,
        watched.watched_from_at,
        orders.filled_at as read_at,
        orders.leverage,
        orders.reply_sha256
    from watched
    inner join orders using (exchange, account_id, inst_id, position_slot)
    where orders.filled_at between watched.opened_at and watched.liquidated_at

    union all

    select
        watched.exchange,
        watched.account_id,
        watched.order_id,
        watched.watched_from_at,
        settings.taken_at as read_at,
        settings.leverage,
        settings.reply_sha256
    from watched
    inner join settings using (exchange, account_id, inst_id)
    where
        settings.position_slot in ('net', watched.position_slot)
        and settings.taken_at between watched.opened_at and watched.liquidated_at
),

compared as (
    select
        *,
        min(leverage) over (
            partition by exchange, account_id, order_id
            order by read_at
            rows between unbounded preceding and 1 preceding
        ) as leverage_before
    from readings
    where leverage is not null
),

weakenings as (
    select * from removals
    union all by name
    select
        exchange,
        account_id,
        order_id,
        read_at as weakened_at,
        leverage_before,
        reply_sha256
    from compared
    where leverage > leverage_before and read_at >= watched_from_at
),

summed as (
    select
        exchange,
        account_id,
        order_id,
        min(weakened_at) as weakened_at,
        coalesce(sum(removed), 0) as margin_removed_lately,
        min(leverage_before) as leverage_before,
        list_sort(list_distinct(list(reply_sha256))) as weakening_reply_hashes
    from weakenings
    group by exchange, account_id, order_id
),

since as (
    select
        summed.*,
        watched.inst_id,
        watched.watched_to_at
    from summed
    inner join watched using (exchange, account_id, order_id)
),

marked as (
    {{ mark_candles_of('since', 'weakened_at', 'watched_to_at') }}
),

weakened as (
    select
        since.* exclude (inst_id, watched_to_at),
        min(marked.low_price) as low_price_since,
        max(marked.high_price) as high_price_since
    from since
    left join marked
        on
            since.exchange = marked.exchange
            and since.inst_id = marked.inst_id
            and since.weakened_at < marked.minute_at + interval '1 minute'
            and since.watched_to_at >= marked.minute_at
    group by all
)

select * from weakened
