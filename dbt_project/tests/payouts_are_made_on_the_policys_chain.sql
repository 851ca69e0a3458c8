-- Harm: a policy sold by one pool is paid by another, which never got its premium.
select
    items.claim_id,
    items.chain_id,
    policies.chain_id as policy_chain_id
from {{ ref('fct_payout_items') }} as items
inner join {{ ref('fct_policies') }} as policies using (policy_id)
where items.chain_id is distinct from policies.chain_id
