-- Harm: money left the pool that the store does not know of. A warning: after a crash the chain is
-- seen before the store's record of it, and the next settlement run reconciles.
{{ config(severity='warn') }}
select
    receipts.chain_id,
    receipts.claim_index,
    receipts.tx_hash,
    receipts.amount_micro_usdc
from {{ ref('stg_chain__payouts') }} as receipts
left join {{ ref('stg_settlement__payouts') }} as planned using (chain_id, claim_index)
where receipts.is_paid and planned.claim_id is null
