-- Harm: a claim somebody signed disappears in a join and is never decided.
select filings.filing_id
from {{ ref('stg_intake__claims') }} as filings
left join {{ ref('fct_claims') }} as claims using (filing_id)
group by filings.filing_id
having count(claims.claim_id) <> 1
