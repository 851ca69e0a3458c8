with

source as (
    select * from {{ source('quality', 'checks') }}
),

renamed as (
    select
        suite as suite_name,
        boundary,
        raw_table,
        {{ to_time('checked_at_ms') }} as checked_at,
        row_count,
        failed_row_count,
        rule_count,
        failed_rule_count,
        failed_rules,
        is_passed
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(
        ['suite_name', 'checked_at'],
        ['failed_rule_count desc', 'failed_row_count desc', 'row_count desc']
    ) }}
)

select * from deduplicated
