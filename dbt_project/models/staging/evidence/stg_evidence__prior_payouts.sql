with

source as (
    select * from {{ source('evidence', 'prior_payouts') }}
),

selected as (
    select
        claim_id,
        chain_id,
        policy_key,
        party_key,
        liquidation_date,
        sequence_no,
        amount_micro_usdc
    from source
),

deduplicated as (
    select *
    from selected
    {{ latest_by(['claim_id'], ['sequence_no', 'amount_micro_usdc desc']) }}
)

select * from deduplicated
