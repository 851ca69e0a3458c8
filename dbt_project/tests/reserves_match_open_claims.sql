-- Harm: the fund believes more or less money free than open claims may take. What is planned takes
-- its amount; what is not may take up to the sum insured.
select
    moves.claim_id,
    moves.to_state,
    moves.reserve_micro_usdc,
    planned.amount_micro_usdc as planned_micro_usdc,
    policies.max_payout_micro_usdc
from {{ ref('fct_claim_transactions') }} as moves
inner join {{ ref('int_policies__bought') }} as policies on moves.policy_id = policies.policy_id
left join {{ ref('stg_settlement__payouts') }} as planned on moves.claim_id = planned.claim_id
where
    moves.is_latest
    and (
        moves.reserve_micro_usdc is null
        or moves.reserve_micro_usdc not between 0 and policies.max_payout_micro_usdc
        or (
            moves.to_state in ('BATCHED', 'SETTLING', 'PAY_UNKNOWN', 'PAY_REFUSED')
            and moves.reserve_micro_usdc <> planned.amount_micro_usdc
        )
    )
