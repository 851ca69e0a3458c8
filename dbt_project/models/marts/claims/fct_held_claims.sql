-- What waits for people: verified claims with an open hold, and claims whose appeal or rejected
-- batch is to be looked at.
with

claims as (
    select * from {{ ref('fct_claims') }}
),

checks as (
    select * from {{ ref('fct_claim_checks') }}
),

holding as (
    select
        checks.claim_id,
        string_agg(
            concat_ws(': ', checks.check_code, checks.observed), '; ' order by checks.check_order
        ) as held_for
    from checks
    inner join claims on checks.claim_id = claims.claim_id
    where list_contains(string_split(claims.hold_reasons, ','), checks.check_code)
    group by checks.claim_id
),

held as (
    select
        claims.*,
        coalesce(holding.held_for, 'state ' || claims.claim_state) as held_for,
        coalesce(claims.state_since, claims.notified_at) as held_since
    from claims
    left join holding on claims.claim_id = holding.claim_id
    where
        claims.hold_reasons <> ''
        or claims.claim_state in ('MANUAL_REVIEW', 'FRAUD_HOLD', 'APPEALED')
)

select * from held
