-- The minutes around the closes alone, on every venue that trades the asset: all others are never
-- sorted.
with

closes as (
    select * from {{ ref('int_closes__placed') }}
),

candles as (
    select * from {{ ref('stg_exchanges__candles') }}
),

instruments as (
    select distinct
        exchange,
        inst_id,
        base_asset
    from {{ ref('int_instruments__versioned') }}
),

limits as (
    {{ thresholds() }}
),

-- A minute more on both sides than any rule looks at.
minutes as (
    select distinct
        closes.exchange,
        closes.inst_id,
        to_seconds(limits.price_touch_window_seconds + 120) as span,
        unnest({{ minutes_touched(
            'closes.liquidated_at - span', 'closes.liquidated_at + span'
        ) }}) as minute_at
    from closes
    cross join limits
),

needed as (
    select
        exchange,
        inst_id,
        minute_at
    from minutes

    union

    select
        elsewhere.exchange,
        elsewhere.inst_id,
        minutes.minute_at
    from minutes
    inner join instruments using (exchange, inst_id)
    inner join instruments as elsewhere on instruments.base_asset = elsewhere.base_asset
),

deduplicated as (
    select
        candles.* replace (
            {{ exact('candles.high_price') }} as high_price,
            {{ exact('candles.low_price') }} as low_price,
            {{ exact('candles.close_price') }} as close_price,
            {{ exact('candles.quote_volume') }} as quote_volume
        )
    from candles
    semi join needed using (exchange, inst_id, minute_at)
    {{ latest_by(
        ['exchange', 'inst_id', 'price_kind', 'minute_at'],
        ['is_final desc', 'reply_sha256 desc']
    ) }}
)

select * from deduplicated
