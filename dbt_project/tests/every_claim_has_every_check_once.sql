-- Harm: a check that drops out of the union silently stops checking.
select
    claims.claim_id,
    listed.check_code,
    count(checks.check_code) as check_count
from {{ ref('int_claims__opened') }} as claims
cross join {{ ref('claim_checks') }} as listed
left join {{ ref('fct_claim_checks') }} as checks
    on claims.claim_id = checks.claim_id and listed.check_code = checks.check_code
group by claims.claim_id, listed.check_code
having count(checks.check_code) <> 1

union all

select
    claim_id,
    check_code,
    0 as check_count
from {{ ref('fct_claim_checks') }}
where check_order is null
