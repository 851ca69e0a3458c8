-- Volatilities are of one minute; 360674 ppm is 1 / (4 ln 2), 386294 ppm is 2 ln 2 - 1.
with

hours as (
    select
        base_asset,
        known_at,
        close_price,
        cast(squares as hugeint) as squares,
        cast(down_squares as hugeint) as down_squares,
        cast(range_squares as hugeint) as range_squares,
        cast(products as hugeint) as products
    from {{ ref('int_price_hours__summed') }}
),

weighted as (
    select * from {{ ref('int_price_hours__weighted') }}
),

summed as (
    select
        base_asset,
        known_at,
        close_price,
        squares as squares_1h,
        sum(squares) over six_hours as squares_6h,
        sum(squares) over one_day as squares_1d,
        sum(down_squares) over one_day as down_squares_1d,
        sum(range_squares) over one_day as range_squares_1d,
        sum(products) over one_day as products_1d,
        count(*) over one_day as hours
    from hours
    window
        six_hours as (
            partition by base_asset order by known_at
            range between interval 5 hours preceding and current row
        ),
        one_day as (
            partition by base_asset order by known_at
            range between interval 23 hours preceding and current row
        )
),

measured as (
    select
        summed.base_asset,
        summed.known_at,
        summed.close_price,
        cast(sqrt(cast(weighted.variance as hugeint)) as bigint) as ewma_ppb,
        cast(sqrt(summed.squares_1h // 60) as bigint) as har_1h_ppb,
        cast(sqrt(summed.squares_6h // 360) as bigint) as har_6h_ppb,
        cast(sqrt(summed.squares_1d // 1440) as bigint) as har_1d_ppb,
        cast(sqrt(summed.range_squares_1d * 360674 // 1440000000) as bigint) as parkinson_ppb,
        cast(
            sqrt(
                greatest(summed.range_squares_1d * 500000 - summed.squares_1d * 386294, 0)
                // 1440000000
            ) as bigint
        ) as garman_klass_ppb,
        -- A market that did not move fell as little as it rose.
        cast(
            if(
                summed.squares_1d = 0,
                500000,
                summed.down_squares_1d * 1000000 // greatest(summed.squares_1d, 1)
            ) as bigint
        ) as down_share_ppm,
        -- What neighbouring moves do not explain: 1570796 ppm is pi / 2.
        cast(
            greatest(
                1000000 - summed.products_1d * 1570796 // greatest(summed.squares_1d, 1), 0
            ) as bigint
        ) as jump_share_ppm
    from summed
    inner join weighted using (base_asset, known_at)
    where summed.hours = 24
)

select * from measured
