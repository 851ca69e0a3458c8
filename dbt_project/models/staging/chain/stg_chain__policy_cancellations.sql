with

source as (
    select * from {{ source('chain', 'policy_cancellations') }}
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
        lower(quote_id) as quote_id,
        lower(buyer) as buyer,
        refund_micro_usdc
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['chain_id', 'tx_hash', 'log_index'], ['block_number desc', 'block_hash desc']) }}
)

select * from deduplicated
