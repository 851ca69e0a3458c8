with

source as (
    select * from {{ source('intake', 'bindings') }}
),

renamed as (
    select
        binding_id,
        account_id,
        exchange,
        uid,
        lower(wallet) as wallet,
        lower(signer) as signer,
        {{ to_time('signed_at_ms') }} as signed_at,
        {{ to_time('created_at_ms') }} as created_at
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['binding_id'], ['created_at desc', 'signer']) }}
)

select * from deduplicated
