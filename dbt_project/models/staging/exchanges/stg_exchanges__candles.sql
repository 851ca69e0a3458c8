with

source as (
    select *
    from {{ source('exchanges', 'candles') }}
    where {{ in_evidence() }}
),

renamed as (
    select
        exchange,
        inst_id,
        kind as price_kind,
        {{ to_time('minute_at_ms') }} as minute_at,
        {{ exact('high_price') }} as high_price,
        {{ exact('low_price') }} as low_price,
        {{ exact('close_price') }} as close_price,
        {{ exact('quote_volume') }} as quote_volume,
        is_final,
        reply_sha256
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(
        ['exchange', 'inst_id', 'price_kind', 'minute_at'],
        ['is_final desc', 'reply_sha256 desc']
    ) }}
)

select * from deduplicated
