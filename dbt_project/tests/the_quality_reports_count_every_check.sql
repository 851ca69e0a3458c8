-- Harm: a check that failed, or a row that was taken out, is lost on its way into the report, and
-- the pass rate shows better data than there is.
with

landed as (
    select
        'checks' as counted,
        count(*) as rows_landed,
        count(*) filter (where failed_rule_count = 0 and failed_row_count = 0) as rows_good
    from {{ ref('fct_quality_checks') }}

    union all

    select
        'quarantine' as counted,
        count(*) as rows_landed,
        0 as rows_good
    from {{ ref('fct_quarantine') }}

    union all

    select
        'failures' as counted,
        count(*) as rows_landed,
        0 as rows_good
    from {{ ref('fct_quality_checks') }}
    where failed_rule_count > 0
),

reported as (
    select
        'checks' as counted,
        coalesce(sum(check_count), 0) as rows_reported,
        coalesce(sum(passed_count), 0) as rows_good
    from {{ ref('rpt_quality_checks') }}

    union all

    select
        'quarantine' as counted,
        coalesce(sum(row_count), 0) as rows_reported,
        0 as rows_good
    from {{ ref('rpt_quarantine') }}

    union all

    select
        'failures' as counted,
        count(*) as rows_reported,
        0 as rows_good
    from {{ ref('rpt_quality_failures') }}
)

select
    counted,
    landed.rows_landed,
    reported.rows_reported,
    landed.rows_good as good_landed,
    reported.rows_good as good_reported
from landed
full outer join reported using (counted)
where
    landed.rows_landed is distinct from reported.rows_reported
    or landed.rows_good is distinct from reported.rows_good
