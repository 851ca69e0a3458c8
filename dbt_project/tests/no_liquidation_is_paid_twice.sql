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
    chain_paid_micro_usdc // chain_micro_usdc as payout_count
from {{ ref('int_payouts__reconciled') }}
where list_contains(differences, 'paid_twice')
