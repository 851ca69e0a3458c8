-- What the rules that may hold a claim said: flagged, released by people, still held, rejected.
with

checks as (
    select * from {{ ref('fct_claim_checks') }}
),

claims as (
    select * from {{ ref('fct_claims') }}
),

kinds as (
    select * from {{ ref('dim_checks') }} where may_hold
),

flagged as (
    select
        kinds.check_code,
        kinds.check_order,
        kinds.hold_kind,
        claims.claim_id,
        checks.result = 'fail' as is_flagged,
        checks.result = 'unknown' as is_unknown,
        list_contains(string_split(claims.released_holds, ','), kinds.check_code) as is_released,
        list_contains(string_split(claims.hold_reasons, ','), kinds.check_code) as is_held,
        claims.verdict = 'rejected' and checks.result = 'fail' as is_rejected,
        coalesce(claims.formula_micro_usdc, 0) as formula_micro_usdc
    from kinds
    inner join checks on kinds.check_code = checks.check_code
    inner join claims on checks.claim_id = claims.claim_id
),

counted as (
    select
        check_code,
        check_order,
        hold_kind,
        count(*) as checked_count,
        count(*) filter (where is_flagged) as flagged_count,
        count(*) filter (where is_unknown) as unknown_count,
        count(*) filter (where is_released) as released_count,
        count(*) filter (where is_held) as held_count,
        count(*) filter (where is_rejected) as rejected_count,
        cast(coalesce(sum(formula_micro_usdc) filter (where is_held), 0) as bigint)
            as held_micro_usdc
    from flagged
    group by check_code, check_order, hold_kind
)

select * from counted
