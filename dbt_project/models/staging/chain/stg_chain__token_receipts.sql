with

source as (
    select * from {{ source('chain', 'token_receipts') }}
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
        lower(payer) as payer,
        amount_micro_usdc
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['chain_id', 'tx_hash', 'log_index'], ['block_number desc', 'block_hash desc']) }}
)

select * from deduplicated
