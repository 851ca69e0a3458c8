-- Harm: an amount signed for the chain that today's evidence and rules would not give again.
select
    claim_id,
    approved_micro_usdc,
    recomputed_micro_usdc
from {{ ref('int_payouts__limited') }}
where is_planned and formula_micro_usdc is not null and approved_micro_usdc <> recomputed_micro_usdc
