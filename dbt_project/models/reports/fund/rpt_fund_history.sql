-- Every valuation of the last days, so that a curve can be drawn inside a day.
with

valuations as (
    select * from {{ ref('fct_fund_valuations') }} where is_newest_of_its_instant
),

shown as (
    select
        valued_at,
        cash_micro_usdc,
        free_micro_usdc,
        reserved_micro_usdc,
        own_funds_micro_usdc,
        scr_1d_micro_usdc,
        solvency_ratio_ppm
    from valuations
)

select * from shown
