with

before_others as (
    select * from {{ ref('int_claim_checks__unioned') }}
),

over_limit as (
    select * from {{ ref('int_claim_checks__over_limit') }}
),

once as (
    select * from {{ ref('int_claim_checks__once') }}
),

listed as (
    select * from {{ ref('claim_checks') }}
),

unioned as (
    select * from before_others
    union all by name
    select * from over_limit
    union all by name
    select
        *,
        false as is_hold
    from once
),

ordered as (
    select
        unioned.claim_id,
        unioned.check_code,
        listed.check_order,
        unioned.result,
        unioned.is_hold,
        unioned.is_applicable,
        unioned.observed,
        unioned.expected,
        unioned.evidence_ids
    from unioned
    left join listed on unioned.check_code = listed.check_code
)

select * from ordered
