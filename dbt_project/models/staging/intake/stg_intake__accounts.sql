with

source as (
    select * from {{ source('intake', 'accounts') }}
),

renamed as (
    select
        account_id,
        exchange,
        uid,
        root_uid,
        lower(wallet) as wallet,
        {{ to_time('created_at_ms') }} as created_at
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['account_id'], ['created_at desc', 'uid', 'wallet']) }}
)

select * from deduplicated
