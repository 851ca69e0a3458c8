-- Harm: one liquidation paid to two claims, or one claim twice, drains the pool by a copy-paste.
select
    liquidation_event_id as paid_twice,
    count(*) as payout_count
from {{ ref('fct_payout_items') }}
group by liquidation_event_id
having count(*) > 1

union all

select
    concat_ws(':', chain_id, claim_index) as paid_twice,
    count(*) as payout_count
from {{ ref('stg_chain__payouts') }}
where is_paid
group by chain_id, claim_index
having count(*) > 1
