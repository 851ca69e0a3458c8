-- Harm: money is planned for a claim that no rule and no person approved. A payout whose move is
-- not landed yet is a later build's.
with

moves as (
    select * from {{ ref('fct_claim_transactions') }}
),

approvals as (
    select
        batched.claim_id,
        batched.txn_no,
        approved.claim_id is not null as is_approved
    from moves as batched
    left join moves as approved
        on
            batched.claim_id = approved.claim_id
            and batched.txn_no = approved.txn_no + 1
            and approved.to_state = 'APPROVED'
    where batched.to_state = 'BATCHED'
),

landed as (
    select max(recorded_at) as until_at from moves
)

select
    claim_id,
    'batched without approval' as what
from approvals
where not is_approved

union all

select
    planned.claim_id,
    'planned and never batched' as what
from {{ ref('stg_settlement__payouts') }} as planned
cross join landed
where
    planned.planned_at < landed.until_at
    and planned.claim_id in (select moves.claim_id from moves)
    and planned.claim_id not in (select approvals.claim_id from approvals)
