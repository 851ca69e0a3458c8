-- Harm: amount or address changed between the plan and the chain.
select
    chain_id,
    claim_id,
    store_micro_usdc,
    chain_micro_usdc,
    store_recipient,
    chain_recipient
from {{ ref('int_payouts__reconciled') }}
where list_has_any(differences, ['chain_amount_differs', 'chain_recipient_differs'])
