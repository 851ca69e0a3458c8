-- Harm: the chain pays more than the rules gave, by a wrong unit or a stale batch.
select
    claim_id,
    approved_micro_usdc,
    paid_micro_usdc
from {{ ref('fct_claims') }}
where paid_micro_usdc > coalesce(approved_micro_usdc, 0)
