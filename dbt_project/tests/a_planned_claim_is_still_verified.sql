-- Harm: evidence changed after the money was planned; nothing is taken back by itself, so people
-- must look. A warning: it must not stop the other claims.
{{ config(severity='warn') }}
select
    claims.claim_id,
    claims.verdict,
    claims.reasons
from {{ ref('fct_claims') }} as claims
inner join {{ ref('stg_settlement__payouts') }} as planned using (claim_id)
where planned.amount_micro_usdc > 0 and claims.verdict <> 'verified'
