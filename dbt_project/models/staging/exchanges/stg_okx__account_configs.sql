with

source as (
    select * from {{ source('okx', 'account_configs') }}
),

renamed as (
    select
        'okx' as exchange,
        account_id,
        uid,
        coalesce(nullif(mainUid, ''), uid) as root_uid,
        perm as permissions,
        {{ to_time('taken_at_ms') }} as taken_at,
        reply_sha256
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['exchange', 'account_id', 'taken_at'], ['reply_sha256 desc']) }}
)

select * from deduplicated
