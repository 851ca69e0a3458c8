with

source as (
    select * from {{ source('evidence', 'pool_balances') }}
),

selected as (
    select
        claim_id,
        balance_micro_usdc
    from source
),

deduplicated as (
    select *
    from selected
    {{ latest_by(['claim_id'], ['balance_micro_usdc']) }}
)

select * from deduplicated
