with

source as (
    select * from {{ source('exchanges', 'account_configs') }}
),

renamed as (
    select
        exchange,
        account_id,
        {{ said('uid') }} as uid,  -- noqa: RF04
        {{ said('root_uid') }} as root_uid,
        permissions as key_permissions,
        is_read_only,
        environment,
        position_mode,
        {{ to_time('taken_at_ms') }} as taken_at,
        reply_sha256
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(
        ['exchange', 'account_id', 'taken_at'],
        ['reply_sha256 desc']
    ) }}
)

select * from deduplicated
