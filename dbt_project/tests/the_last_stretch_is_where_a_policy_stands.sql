-- Harm: what the history calls the present is not the policy's recorded state.
select
    policies.policy_id,
    policies.state,
    stretches.state as stretch_state
from {{ ref('fct_policies') }} as policies
left join {{ ref('dim_policies') }} as stretches
    on policies.policy_id = stretches.policy_id and stretches.valid_to_at is null
where policies.state is distinct from stretches.state
