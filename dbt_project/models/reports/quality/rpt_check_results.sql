with

checks as (
    select * from {{ ref('fct_claim_checks') }}
),

counted as (
    select
        check_code,
        check_order,
        result,
        is_hold,
        count(*) as claim_count
    from checks
    group by check_code, check_order, result, is_hold
)

select * from counted
