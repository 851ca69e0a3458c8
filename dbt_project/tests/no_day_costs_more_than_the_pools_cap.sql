-- Harm: one crash empties the pool before anybody looks.
select
    policies.chain_id,
    cast(claims.liquidated_at as date) as liquidation_date,
    sum(claims.approved_micro_usdc) as approved_micro_usdc
from {{ ref('fct_claims') }} as claims
inner join {{ ref('int_policies__bought') }} as policies using (policy_id)
where claims.approved_micro_usdc is not null
group by policies.chain_id, liquidation_date
having sum(claims.approved_micro_usdc) > max(policies.pool_day_cap_micro_usdc)
