-- Logarithms in parts per billion: whole numbers from here on. A move over a gap is no candle's.
with

prices as (
    select * from {{ ref('int_prices__referred') }}
),

followed as (
    select
        *,
        lag(close_price) over by_minute as last_close_price,
        minute_at - lag(minute_at) over by_minute as step
    from prices
    window by_minute as (partition by base_asset order by minute_at)
),

measured as (
    select
        base_asset,
        minute_at,
        low_price,
        high_price,
        close_price,
        cast(1e9 * (ln(close_price) - ln(last_close_price)) as bigint) as move_ppb,
        cast(
            1e9
            * (
                ln(greatest(high_price, last_close_price))
                - ln(least(low_price, last_close_price))
            ) as bigint
        ) as range_ppb
    from followed
    where last_close_price is not null
    qualify step = min(step) over (partition by base_asset)
)

select * from measured
