with

source as (
    select * from {{ source('okx', 'instruments') }}
),

renamed as (
    select
        'okx' as exchange,
        instId as inst_id,
        instType as inst_type,
        ctType as contract_type,
        {{ exact('ctVal') }} as contract_size,
        ctValCcy as contract_currency,
        settleCcy as settle_currency,
        {{ to_time('taken_at_ms') }} as taken_at,
        reply_sha256
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['exchange', 'inst_id', 'taken_at'], ['reply_sha256 desc']) }}
)

select * from deduplicated
