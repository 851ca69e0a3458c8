with

source as (
    select * from {{ source('exchanges', 'stops') }}
),

renamed as (
    select
        exchange,
        account_id,
        endpoint,
        inst_id,
        stop_id,
        position_side,
        {{ exact('trigger_price') }} as trigger_price,
        state as stop_state,
        {{ to_time('created_at_ms') }} as created_at,
        {{ to_time('updated_at_ms') }} as updated_at,
        reply_sha256
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(
        ['exchange', 'account_id', 'inst_id', 'stop_id'],
        ['updated_at desc', 'reply_sha256 desc']
    ) }}
)

select * from deduplicated
