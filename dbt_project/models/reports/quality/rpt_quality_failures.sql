with

checks as (
    select * from {{ ref('fct_quality_checks') }} where not is_passed
),

failed as (
    select
        suite_name,
        boundary,
        coalesce(raw_table, suite_name) as judged,
        checked_at,
        row_count,
        failed_row_count,
        failed_rule_count,
        failed_rules
    from checks
)

select * from failed
