-- Small amounts are paid by rule alone. What counts is the most the claim can pay: what others take
-- from a shared limit changes from day to day and must not decide who looks at it.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

measured as (
    select * from {{ ref('int_payouts__measured') }}
),

limits as (
    {{ thresholds() }}
),

compared as (
    select
        claims.claim_id,
        claims.auto_approve_micro_usdc,
        claims.evidence_hashes,
        measured.claim_id is not null as is_applicable,
        {{ lesser([
            'measured.formula_micro_usdc',
            'measured.realised_loss_micro_usdc',
            'claims.max_payout_micro_usdc',
            'claims.claim_cap_micro_usdc',
            'claims.user_day_cap_micro_usdc'
        ]) }} as most_micro_usdc
    from claims
    cross join limits
    left join measured on claims.claim_id = measured.claim_id
    where limits.approvals_needed is not null
),

checked as (
    select
        claim_id,
        'OVER_LIMIT' as check_code,
        {{ check_result('most_micro_usdc <= auto_approve_micro_usdc', 'is_applicable') }} as result,
        coalesce(most_micro_usdc > auto_approve_micro_usdc, false) as is_hold,
        is_applicable,
        'at most ' || most_micro_usdc || ' micro-USDC' as observed,
        'at most ' || auto_approve_micro_usdc || ' micro-USDC without a person' as expected,
        {{ evidence_ids('evidence_hashes') }} as evidence_ids
    from compared
)

select * from checked
