with

source as (
    select * from {{ source('chain', 'batch_settlements') }}
),

renamed as (
    select
        chain_id,
        lower(pool) as pool,
        lower(tx_hash) as tx_hash,
        log_index,
        block_number,
        block_hash,
        {{ to_time('block_time_ms') }} as block_at,
        batch_no,
        lower(payouts_hash) as payouts_hash,
        lower(evidence_root) as evidence_root,
        total_micro_usdc,
        paid_micro_usdc,
        failed_count,
        gas_used
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['chain_id', 'tx_hash', 'log_index'], ['block_number desc', 'block_hash desc']) }}
)

select * from deduplicated
