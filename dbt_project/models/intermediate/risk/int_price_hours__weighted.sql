-- Each hour counts 0.94 times the one after it, over three days at most.
with

hours as (
    select * from {{ ref('int_price_hours__summed') }}
),

ages as (
    select
        to_hours(cast(age as integer)) as age,
        cast(1000000 * power(0.94, age) as hugeint) as weight_ppm
    from unnest(generate_series(0, 71)) as series (age)
),

-- Each hour as what it adds to the hours after it; those that never came are left out.
added as (
    select
        hours.base_asset,
        hours.known_at + ages.age as known_at,
        cast(hours.squares as hugeint) * ages.weight_ppm as weighted_squares,
        ages.weight_ppm
    from hours
    cross join ages
),

weighted as (
    select
        base_asset,
        known_at,
        cast(sum(weighted_squares) // (sum(weight_ppm) * 60) as decimal(38, 0)) as variance
    from added
    semi join hours using (base_asset, known_at)
    group by base_asset, known_at
)

select * from weighted
