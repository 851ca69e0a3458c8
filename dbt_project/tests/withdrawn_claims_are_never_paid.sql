-- Harm: a claim is paid that its holder gave up. What was planned before the withdrawal is final.
select
    items.claim_id,
    items.status,
    actions.acted_at as withdrawn_at,
    planned.planned_at
from {{ ref('fct_payout_items') }} as items
inner join {{ ref('stg_intake__claim_actions') }} as actions
    on items.claim_id = actions.claim_id and actions.action = 'withdraw'
left join {{ ref('stg_settlement__payouts') }} as planned on items.claim_id = planned.claim_id
where planned.planned_at is null or planned.planned_at > actions.acted_at
