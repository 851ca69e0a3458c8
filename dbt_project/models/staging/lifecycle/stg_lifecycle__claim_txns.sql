with

source as (
    select * from {{ source('lifecycle', 'claim_txns') }}
),

renamed as (
    select
        claim_id,
        txn_no,
        lower(policy_id) as policy_id,
        from_state,
        to_state,
        actor,
        rule_id,
        inputs_hash,
        reserve_micro_usdc,
        {{ to_time('at_ms') }} as moved_at,
        {{ to_time('recorded_at_ms') }} as recorded_at
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['claim_id', 'txn_no'], ['recorded_at desc', 'inputs_hash']) }}
)

select * from deduplicated
