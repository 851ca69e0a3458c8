-- Harm: two claims of one policy on one liquidation both verified would both be approved.
select
    policy_id,
    liquidation_event_id
from {{ ref('fct_claims') }}
where verdict = 'verified'
group by policy_id, liquidation_event_id
having count(*) > 1
