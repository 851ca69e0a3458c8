with

source as (
    select * from {{ source('okx', 'mark_candles') }}
),

renamed as (
    select
        'okx' as exchange,
        inst_id,
        {{ to_time('ts') }} as minute_at,
        {{ exact('h') }} as high_price,
        {{ exact('l') }} as low_price,
        confirm = '1' as is_final,
        reply_sha256
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['exchange', 'inst_id', 'minute_at'], ['is_final desc', 'reply_sha256 desc']) }}
)

select * from deduplicated
