with

source as (
    select * from {{ source('lifecycle', 'payment_exceptions') }}
),

renamed as (
    select
        payment_id,
        chain_id,
        lower(tx_hash) as tx_hash,
        log_index,
        lower(payer) as payer,
        amount_micro_usdc,
        lower(quote_id) as quote_id,
        reason_code,
        detail,
        {{ to_time('paid_at_ms') }} as paid_at,
        {{ to_time('created_at_ms') }} as queued_at,
        {{ to_time('resolved_at_ms') }} as resolved_at,
        resolved_by,
        resolution
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['payment_id'], ['resolved_at desc nulls last', 'queued_at desc']) }}
)

select * from deduplicated
