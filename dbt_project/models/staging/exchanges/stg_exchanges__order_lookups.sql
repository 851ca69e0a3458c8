with

source as (
    select * from {{ source('exchanges', 'order_lookups') }}
),

renamed as (
    select
        exchange,
        filing_id,
        account_id,
        inst_id,
        order_id,
        attempt_no,
        outcome,
        {{ to_time('looked_up_at_ms') }} as looked_up_at,
        reply_sha256
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(
        ['filing_id', 'attempt_no'],
        ['looked_up_at desc', 'reply_sha256 desc']
    ) }}
)

select * from deduplicated
