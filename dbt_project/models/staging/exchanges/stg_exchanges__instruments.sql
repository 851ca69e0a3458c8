with

source as (
    select * from {{ source('exchanges', 'instruments') }}
),

renamed as (
    select
        exchange,
        inst_id,
        inst_type,
        contract_type,
        {{ said('base_asset') }} as base_asset,
        settle_currency,
        {{ exact('contract_size') }} as contract_size,
        {{ to_time('taken_at_ms') }} as taken_at,
        reply_sha256
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(
        ['exchange', 'inst_id', 'taken_at'],
        ['reply_sha256 desc']
    ) }}
)

select * from deduplicated
