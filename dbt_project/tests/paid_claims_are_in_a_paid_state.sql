-- Harm: the claim's holder is told one thing while the chain says another. Moves are landed after
-- a build: only states recorded after the transaction was mined are held against it. A warning:
-- the money moved already, and stopping would only hold up the others.
{{ config(severity='warn') }}
with

landed as (
    select max(recorded_at) as until_at from {{ ref('fct_claim_transactions') }}
),

paid as (
    select
        planned.claim_id,
        max(receipts.block_at) as paid_at
    from {{ ref('stg_settlement__payouts') }} as planned
    inner join {{ ref('stg_chain__payouts') }} as receipts
        on planned.chain_id = receipts.chain_id and planned.claim_index = receipts.claim_index
    where receipts.is_paid and planned.state = 'PAID'
    group by planned.claim_id
)

select
    claims.claim_id,
    claims.claim_state,
    claims.payout_state
from {{ ref('fct_claims') }} as claims
left join paid on claims.claim_id = paid.claim_id
cross join landed
where
    (
        claims.claim_state not in ('PAID', 'CLOSED', 'RECOVERY_OPEN')
        and paid.paid_at < landed.until_at
    )
    or (claims.claim_state = 'PAID' and claims.payout_state in ('NONE', 'CAPPED', 'APPROVED'))
