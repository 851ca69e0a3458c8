-- Sums of squares in parts per billion squared, as decimals: Parquet has no wider whole number.
with

moves as (
    select * from {{ ref('int_price_moves__measured') }}
),

paired as (
    select
        *,
        date_trunc('hour', minute_at) as hour_at,
        cast(move_ppb as hugeint) * move_ppb as square,
        cast(range_ppb as hugeint) * range_ppb as range_square,
        abs(
            cast(move_ppb as hugeint)
            * lag(move_ppb) over (partition by base_asset order by minute_at)
        ) as product
    from moves
),

summed as (
    select
        base_asset,
        hour_at,
        count(*) as candles,
        min(low_price) as low_price,
        max(high_price) as high_price,
        arg_max(close_price, minute_at) as close_price,
        sum(square) as squares,
        sum(square) filter (where move_ppb < 0) as down_squares,
        sum(range_square) as range_squares,
        sum(product) as products
    from paired
    group by base_asset, hour_at
),

-- An hour with fewer candles than others of its market has a gap and is left out.
whole as (
    select
        base_asset,
        hour_at,
        hour_at + interval '1 hour' as known_at,
        low_price,
        high_price,
        close_price,
        cast(squares as decimal(38, 0)) as squares,
        cast(coalesce(down_squares, 0) as decimal(38, 0)) as down_squares,
        cast(range_squares as decimal(38, 0)) as range_squares,
        cast(coalesce(products, 0) as decimal(38, 0)) as products
    from summed
    qualify candles = max(candles) over (partition by base_asset)
)

select * from whole
