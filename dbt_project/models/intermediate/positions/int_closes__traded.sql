-- The most that was traded on the venue in the minute of each close or the ones beside it.
with

closes as (
    select * from {{ ref('int_closes__placed') }}
),

candles as (
    select * from {{ ref('int_candles__deduplicated') }} where is_final and price_kind = 'trade'
),

traded as (
    select
        closes.exchange,
        closes.account_id,
        closes.order_id,
        max(candles.quote_volume) as quote_volume,
        list_sort(list_distinct(list(candles.reply_sha256))) as trade_reply_hashes
    from closes
    inner join candles
        on
            closes.exchange = candles.exchange
            and closes.inst_id = candles.inst_id
            and candles.minute_at
            between date_trunc('minute', closes.liquidated_at) - interval '1 minute'
            and date_trunc('minute', closes.liquidated_at) + interval '1 minute'
    where candles.quote_volume is not null
    group by closes.exchange, closes.account_id, closes.order_id
)

select * from traded
