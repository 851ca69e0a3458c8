with

source as (
    select * from {{ source('fund', 'valuations') }}
),

renamed as (
    select
        valuation_id,
        {{ to_time('valued_at_ms') }} as valued_at,
        {{ to_time('recorded_at_ms') }} as recorded_at,
        block_number,
        cash_micro_usdc,
        free_micro_usdc,
        reserved_micro_usdc,
        written_micro_usdc,
        earned_micro_usdc,
        unearned_micro_usdc,
        unearned_hazard_micro_usdc,
        case_reserve_micro_usdc,
        ibnr_cl_micro_usdc,
        ibnr_bf_micro_usdc,
        payable_micro_usdc,
        own_funds_micro_usdc,
        scr_1d_micro_usdc,
        scr_10d_micro_usdc,
        independent_1d_micro_usdc,
        solvency_ratio_ppm,
        model_version,
        paths as path_count,
        seed,
        details,
        inputs_hash
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['valuation_id'], ['recorded_at desc']) }}
)

select * from deduplicated
