with

source as (
    select * from {{ source('settlement', 'batches') }}
),

renamed as (
    select
        chain_id,
        batch_id,
        batch_no,
        claim_count,
        total_micro_usdc,
        lower(evidence_root) as evidence_root,
        state,
        lower(tx_hash) as tx_hash,
        block_number,
        gas_used,
        {{ to_time('planned_at_ms') }} as planned_at,
        {{ to_time('updated_at_ms') }} as updated_at
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['batch_id'], ['updated_at desc', 'state']) }}
)

select * from deduplicated
