-- How far the mark price of the same asset went on other venues around each close.
with

closes as (
    select * from {{ ref('int_closes__measured') }}
),

candles as (
    select * from {{ ref('int_candles__deduplicated') }} where is_final and price_kind = 'mark'
),

instruments as (
    select distinct
        exchange,
        inst_id,
        base_asset
    from {{ ref('int_instruments__versioned') }}
    where inst_type = 'perpetual' and contract_type = 'linear'
),

limits as (
    {{ thresholds() }}
),

marked as (
    select
        closes.exchange,
        closes.account_id,
        closes.order_id,
        candles.exchange as reference_exchange,
        candles.inst_id as reference_inst_id,
        min(candles.low_price) as reference_low_price,
        max(candles.high_price) as reference_high_price,
        list_sort(list_distinct(list(candles.reply_sha256))) as reference_reply_hashes
    from closes
    cross join limits
    inner join instruments
        on
            closes.base_asset = instruments.base_asset
            and closes.exchange <> instruments.exchange
    inner join candles
        on
            instruments.exchange = candles.exchange
            and instruments.inst_id = candles.inst_id
            and candles.minute_at + interval '1 minute'
            > closes.liquidated_at - to_seconds(limits.price_touch_window_seconds)
            and candles.minute_at
            <= closes.liquidated_at + to_seconds(limits.price_touch_window_seconds)
    group by
        closes.exchange, closes.account_id, closes.order_id, candles.exchange, candles.inst_id
)

select * from marked
