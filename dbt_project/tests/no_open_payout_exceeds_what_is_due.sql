-- Harm: an amount about to be signed or sent that is more than the evidence gives.
select
    claim_id,
    limited.approved_micro_usdc,
    limited.recomputed_micro_usdc
from {{ ref('int_payouts__limited') }} as limited
left join {{ ref('int_payouts__settled') }} as settled using (claim_id)
where
    limited.approved_micro_usdc > limited.recomputed_micro_usdc
    and limited.formula_micro_usdc is not null
    and not limited.is_brought
    and coalesce(settled.payout_state, 'APPROVED') not in ('PAID', 'REFUSED')
