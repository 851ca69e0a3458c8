-- Harm: a check meant to reject lets a claim through to review, or the other way round.
select
    checks.claim_id,
    checks.check_code,
    checks.result
from {{ ref('fct_claim_checks') }} as checks
inner join {{ ref('claim_checks') }} as listed using (check_code)
where checks.is_hold and (not listed.may_hold or checks.result <> 'fail')
