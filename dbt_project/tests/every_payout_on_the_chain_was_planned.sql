-- Harm: money left the pool that the store does not know of. A warning: after a crash the chain is
-- seen before the store's record of it, and the next settlement run reconciles.
{{ config(severity='warn') }}
select
    chain_id,
    claim_index,
    batch_no,
    chain_micro_usdc,
    chain_recipient
from {{ ref('int_payouts__reconciled') }}
where list_contains(differences, 'payout_unknown_to_the_store') and chain_paid_micro_usdc > 0
