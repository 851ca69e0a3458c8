-- Harm: a payment is in the books under another claim, or with another amount than the claim's.
with

known as (
    select movement_id
    from {{ ref('int_pool_movements__booked') }}
    where kind = 'payout'
),

booked as (
    select
        claim_id,
        split_part(caused_by, '@', 1) as movement_id,
        sum(amount_micro_usdc) as amount_micro_usdc
    from {{ ref('fct_ledger_entries') }}
    where account = 'claims:paid' and kind = 'payout' and is_standing
    group by all
),

claims as (
    select
        claim_id,
        paid_micro_usdc
    from {{ ref('fct_claims') }}
)

select
    booked.claim_id,
    booked.movement_id,
    booked.amount_micro_usdc,
    claims.paid_micro_usdc
from booked
semi join known on booked.movement_id = known.movement_id
left join claims on booked.claim_id = claims.claim_id
where booked.amount_micro_usdc is distinct from claims.paid_micro_usdc
