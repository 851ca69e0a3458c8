with

source as (
    select * from {{ source('intake', 'quotes') }}
),

renamed as (
    select
        lower(quote_id) as quote_id,
        reference,
        lower(wallet) as wallet,
        account_id,
        product_version,
        lower(terms_hash) as terms_hash,
        inst_id,
        leverage,
        principal_micro_usdc,
        premium_micro_usdc,
        payout_rate_ppm,
        max_payout_micro_usdc,
        expected_loss_micro_usdc,
        cover_seconds,
        wait_seconds,
        filing_grace_seconds,
        {{ to_time('created_at_ms') }} as created_at
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['quote_id'], ['created_at desc', 'reference']) }}
)

select * from deduplicated
