-- Harm: a limit that could not be worked out is skipped, or a claim is verified and never paid.
select
    claim_id,
    formula_micro_usdc,
    approved_micro_usdc
from {{ ref('fct_claims') }}
where
    verdict = 'verified'
    and hold_reasons = ''
    and (formula_micro_usdc is null or approved_micro_usdc is null)
