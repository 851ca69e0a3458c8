-- Harm: one holder spreads a big bet over many accounts and takes the pool's money of the day.
select
    claims.wallet,
    cast(claims.liquidated_at as date) as liquidation_date,
    sum(claims.approved_micro_usdc) as approved_micro_usdc
from {{ ref('fct_claims') }} as claims
inner join {{ ref('int_policies__bought') }} as policies using (policy_id)
where claims.approved_micro_usdc is not null
group by claims.wallet, liquidation_date
having sum(claims.approved_micro_usdc) > max(policies.user_day_cap_micro_usdc)
