-- How far the venue's one-minute mark price went around each close.
with

closes as (
    select * from {{ ref('int_closes__placed') }}
),

candles as (
    select * from {{ ref('int_candles__deduplicated') }} where is_final and price_kind = 'mark'
),

limits as (
    {{ thresholds() }}
),

marked as (
    select
        closes.exchange,
        closes.account_id,
        closes.order_id,
        min(candles.low_price) as mark_low_price,
        max(candles.high_price) as mark_high_price,
        list_sort(list_distinct(list(candles.reply_sha256))) as mark_reply_hashes
    from closes
    cross join limits
    inner join candles
        on
            closes.exchange = candles.exchange
            and closes.inst_id = candles.inst_id
            and candles.minute_at + interval '1 minute'
            > closes.liquidated_at - to_seconds(limits.price_touch_window_seconds)
            and candles.minute_at
            <= closes.liquidated_at + to_seconds(limits.price_touch_window_seconds)
    group by closes.exchange, closes.account_id, closes.order_id
)

select * from marked
