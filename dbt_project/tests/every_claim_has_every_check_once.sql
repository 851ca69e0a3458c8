-- Harm: a check that drops out of the union silently stops checking.
select
    claims.claim_id,
    count(checks.check_code) as check_count
from {{ ref('int_claims__opened') }} as claims
left join {{ ref('fct_claim_checks') }} as checks using (claim_id)
group by claims.claim_id
having count(checks.check_code) <> 10 or count(distinct checks.check_order) <> 10
