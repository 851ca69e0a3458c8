with

source as (
    select * from {{ source('settlement', 'payouts') }}
),

renamed as (
    select
        chain_id,
        claim_index,
        claim_id,
        liquidation_event_id,
        lower(policy_id) as policy_id,
        lower(party) as wallet,
        batch_id,
        batch_no,
        lower(recipient) as recipient,
        amount_micro_usdc,
        state,
        lower(tx_hash) as tx_hash,
        {{ to_time('planned_at_ms') }} as planned_at
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['chain_id', 'claim_index'], ['planned_at desc', 'state']) }}
)

select * from deduplicated
