with

checks as (
    select * from {{ ref('fct_quality_checks') }}
),

summed as (
    select
        suite_name,
        boundary,
        coalesce(any_value(raw_table), suite_name) as judged,
        cast(checked_at as date) as check_date,
        count(*) as check_count,
        count(*) filter (where is_passed) as passed_count,
        cast(sum(row_count) as bigint) as row_count,
        cast(sum(failed_row_count) as bigint) as failed_row_count,
        cast(sum(rule_count) as bigint) as rule_count,
        cast(sum(failed_rule_count) as bigint) as failed_rule_count,
        max(checked_at) as last_checked_at,
        arg_max(is_passed, checked_at) as is_passed_last
    from checks
    group by suite_name, boundary, check_date
)

select * from summed
