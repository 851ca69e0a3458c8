-- Harm: an amount already planned that today's evidence and rules would not give again. A warning:
-- what is planned is never changed by itself, so people must look; the others go on.
{{ config(severity='warn') }}
select
    claim_id,
    approved_micro_usdc,
    recomputed_micro_usdc
from {{ ref('int_payouts__limited') }}
where
    is_planned
    and not is_brought
    and formula_micro_usdc is not null
    and approved_micro_usdc <> recomputed_micro_usdc
