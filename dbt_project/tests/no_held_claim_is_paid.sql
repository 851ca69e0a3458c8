-- Harm: money leaves before people have looked. What was planned before stays planned.
select
    items.claim_id,
    claims.hold_reasons
from {{ ref('fct_payout_items') }} as items
inner join {{ ref('fct_claims') }} as claims using (claim_id)
where claims.hold_reasons <> '' and items.status = 'approved'
