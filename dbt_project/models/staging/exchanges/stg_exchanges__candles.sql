-- Numbers stay text: casting costs more than reading, so it waits until the rows are chosen.
with

source as (
    select * from {{ source('exchanges', 'candles') }}
),

renamed as (
    select
        exchange,
        inst_id,
        kind as price_kind,
        {{ to_time('minute_at_ms') }} as minute_at,
        {{ said('high_price') }} as high_price,
        {{ said('low_price') }} as low_price,
        {{ said('close_price') }} as close_price,
        {{ said('quote_volume') }} as quote_volume,
        is_final,
        reply_sha256
    from source
)

select * from renamed
