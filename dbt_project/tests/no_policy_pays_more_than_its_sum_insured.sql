-- Harm: several partial liquidations of one position add up to more than was insured.
select
    policy_id,
    max_payout_micro_usdc,
    approved_micro_usdc
from {{ ref('fct_policies') }}
where approved_micro_usdc > max_payout_micro_usdc or paid_micro_usdc > max_payout_micro_usdc
