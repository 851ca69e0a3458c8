-- Harm: a payout above the formula, the loss, 5 % of the pool or the cap of a claim makes
-- liquidation a business.
select
    limited.claim_id,
    limited.approved_micro_usdc,
    calculated.formula_micro_usdc,
    calculated.realised_loss_micro_usdc,
    calculated.pool_balance_micro_usdc
from {{ ref('int_payouts__limited') }} as limited
inner join {{ ref('int_payouts__calculated') }} as calculated using (claim_id)
inner join {{ ref('int_policies__bought') }} as policies using (policy_id)
where
    not limited.is_planned
    and (
        limited.approved_micro_usdc < 0
        or limited.approved_micro_usdc > calculated.formula_micro_usdc
        or limited.approved_micro_usdc > calculated.realised_loss_micro_usdc
        or limited.approved_micro_usdc * 1000000::hugeint
        > calculated.pool_balance_micro_usdc * policies.claim_share_of_pool_ppm::hugeint
        or limited.approved_micro_usdc > policies.claim_cap_micro_usdc
    )
