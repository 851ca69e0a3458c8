-- Harm: money stays set aside for claims that will never take it.
select
    claim_id,
    txn_no,
    to_state,
    reserve_micro_usdc
from {{ ref('fct_claim_transactions') }}
where
    to_state in ('NOT_ELIGIBLE', 'REJECTED', 'WITHDRAWN', 'PAID', 'CLOSED')
    and reserve_micro_usdc <> 0
