-- Harm: money for one holder's loss sent to another address.
select
    items.claim_id,
    items.recipient,
    policies.wallet
from {{ ref('fct_payout_items') }} as items
inner join {{ ref('int_policies__bought') }} as policies using (policy_id)
where items.recipient <> policies.wallet
