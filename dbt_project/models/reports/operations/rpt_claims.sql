-- Seconds are those of the claim's own moves; a claim that was decided again counts its first
-- decision and its last payment.
with

claims as (
    select * from {{ ref('fct_claims') }}
),

policies as (
    select * from {{ ref('fct_policies') }}
),

accounts as (
    select * from {{ ref('dim_accounts') }}
),

moves as (
    select * from {{ ref('fct_claim_transactions') }}
),

now as (
    select max(as_of_at) as as_of_at from {{ ref('dim_days') }}
),

timed as (
    select
        claim_id,
        min(moved_at) filter (where to_state = 'VERIFYING') as evidenced_at,
        min(moved_at) filter (
            where to_state in ('ELIGIBLE', 'NOT_ELIGIBLE', 'MANUAL_REVIEW')
        ) as decided_at,
        min(moved_at) filter (where to_state = 'APPROVED') as approved_at,
        min(moved_at) filter (where to_state = 'BATCHED') as batched_at,
        max(moved_at) filter (where to_state = 'PAID') as paid_at,
        bool_or(to_state in ('MANUAL_REVIEW', 'FRAUD_HOLD')) as is_manual,
        bool_or(to_state = 'APPEALED') as is_appealed,
        bool_or(to_state = 'APPEALED') and bool_or(to_state = 'PAID') as is_overturned
    from moves
    group by claim_id
),

joined as (
    select
        claims.claim_id,
        claims.policy_id,
        claims.wallet,
        accounts.exchange,
        claims.inst_id,
        claims.position_side,
        policies.leverage,
        policies.product_version,
        claims.forced_kind,
        claims.origin,
        claims.verdict,
        claims.primary_reason,
        claims.reasons,
        claims.hold_reasons,
        claims.claim_state,
        claims.payout_state,
        claims.notified_at,
        claims.liquidated_at,
        timed.evidenced_at,
        timed.decided_at,
        timed.approved_at,
        timed.batched_at,
        timed.paid_at,
        cast(epoch(timed.decided_at) - epoch(claims.notified_at) as bigint) as seconds_to_decide,
        cast(epoch(timed.paid_at) - epoch(claims.notified_at) as bigint) as seconds_to_pay,
        cast(epoch(timed.paid_at) - epoch(claims.liquidated_at) as bigint)
            as seconds_from_liquidation,
        coalesce(timed.is_manual, false) as is_manual,
        coalesce(timed.is_appealed, false) as is_appealed,
        coalesce(timed.is_overturned, false) as is_overturned,
        claims.claim_state not in ('PAID', 'CLOSED', 'NOT_ELIGIBLE', 'REJECTED')
        and claims.payout_state <> 'PAID' as is_open,
        cast(epoch(now.as_of_at) - epoch(claims.notified_at) as bigint) as age_seconds,
        coalesce(claims.approved_micro_usdc, 0) as approved_micro_usdc,
        coalesce(claims.capped_micro_usdc, 0) as capped_micro_usdc,
        claims.paid_micro_usdc,
        coalesce(claims.reserve_micro_usdc, 0) as reserve_micro_usdc,
        claims.batch_no,
        claims.tx_hash
    from claims
    cross join now
    left join policies on claims.policy_id = policies.policy_id
    left join accounts on claims.account_id = accounts.account_id
    left join timed on claims.claim_id = timed.claim_id
),

aged as (
    select
        *,
        case
            when not is_open then 'closed'
            when age_seconds < 3600 then '1 under 1 h'
            when age_seconds < 6 * 3600 then '2 1 h to 6 h'
            when age_seconds < 24 * 3600 then '3 6 h to 24 h'
            else '4 over 24 h'
        end as age_bucket
    from joined
)

select * from aged
