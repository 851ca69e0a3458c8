with

source as (
    select * from {{ source('quality', 'quarantine') }}
),

renamed as (
    select
        quarantined_id,
        raw_table,
        exchange,
        rule as broken_rules,
        reason,
        {{ to_time('quarantined_at_ms') }} as quarantined_at
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['quarantined_id'], ['quarantined_at desc']) }}
)

select * from deduplicated
