-- Harm: amount or address changed between the plan and the chain.
select
    claim_id,
    amount_micro_usdc,
    paid_micro_usdc,
    recipient,
    paid_recipient
from {{ ref('int_payouts__settled') }}
where
    payout_state = 'PAID'
    and (paid_micro_usdc <> amount_micro_usdc or paid_recipient <> recipient)
