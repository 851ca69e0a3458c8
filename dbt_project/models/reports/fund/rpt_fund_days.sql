with

valuations as (
    select * from {{ ref('fct_fund_valuations') }} where is_newest_of_its_instant
),

last_of_day as (
    select
        cast(valued_at as date) as valued_date,
        valued_at,
        cash_micro_usdc,
        free_micro_usdc,
        reserved_micro_usdc,
        payable_micro_usdc,
        unearned_micro_usdc,
        case_reserve_micro_usdc,
        ibnr_cl_micro_usdc,
        ibnr_bf_micro_usdc,
        own_funds_micro_usdc,
        scr_1d_micro_usdc,
        scr_10d_micro_usdc,
        independent_1d_micro_usdc,
        solvency_ratio_ppm
    from valuations
    qualify row_number() over (partition by cast(valued_at as date) order by valued_at desc) = 1
)

select * from last_of_day
