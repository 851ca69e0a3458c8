with

source as (
    select * from {{ source('exchanges', 'leverages') }}
),

renamed as (
    select
        exchange,
        account_id,
        inst_id,
        -- A setting that names no slot holds for all of them.
        coalesce({{ said('position_slot') }}, 'net') as position_slot,
        {{ said('margin_mode') }} as margin_mode,
        {{ exact('leverage') }} as leverage,
        {{ to_time('taken_at_ms') }} as taken_at,
        reply_sha256
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(
        ['exchange', 'account_id', 'inst_id', 'position_slot', 'taken_at'],
        ['reply_sha256 desc', 'leverage desc']
    ) }}
)

select * from deduplicated
