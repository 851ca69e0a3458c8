with

source as (
    select * from {{ source('okx', 'positions') }}
),

renamed as (
    select
        'okx' as exchange,
        account_id,
        instId as inst_id,
        posId as position_id,
        coalesce(nullif(direction, ''), posSide) as position_side,
        mgnMode as margin_mode,
        type as position_type,
        {{ exact('lever') }} as leverage,
        {{ exact('triggerPx') }} as trigger_price,
        {{ to_time('cTime') }} as opened_at,
        {{ to_time('uTime') }} as updated_at,
        reply_sha256
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(
        ['exchange', 'account_id', 'position_id', 'position_side', 'updated_at'],
        ['position_type desc', 'reply_sha256 desc']
    ) }}
)

select * from deduplicated
