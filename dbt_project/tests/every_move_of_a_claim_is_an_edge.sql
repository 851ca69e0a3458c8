-- Harm: a claim comes into a state by a way that no rule allows, and is paid or lost from there.
select
    claim_id,
    txn_no,
    from_state,
    to_state,
    rule_id
from {{ ref('fct_claim_transactions') }}
where edge_description is null
