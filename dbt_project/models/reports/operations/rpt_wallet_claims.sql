-- What a trader sees as a guest of the dashboards, held to one wallet there: no account, no venue
-- order, no check's name, nothing of anybody's review.
with

claims as (
    select * from {{ ref('fct_claims') }}
),

policies as (
    select * from {{ ref('fct_policies') }}
),

joined as (
    select
        claims.wallet,
        claims.claim_id,
        claims.policy_reference,
        claims.inst_id,
        claims.position_side,
        policies.leverage,
        claims.notified_at,
        claims.liquidated_at,
        claims.verdict,
        claims.claim_state,
        claims.payout_state,
        coalesce(claims.approved_micro_usdc, 0) as approved_micro_usdc,
        {{ to_usdc('coalesce(claims.approved_micro_usdc, 0)') }} as approved_usdc,
        claims.paid_micro_usdc,
        {{ to_usdc('claims.paid_micro_usdc') }} as paid_usdc,
        claims.tx_hash
    from claims
    left join policies on claims.policy_id = policies.policy_id
)

select * from joined
