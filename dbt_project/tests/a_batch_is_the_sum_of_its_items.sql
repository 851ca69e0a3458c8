-- Harm: the total that is signed differs from what the items say, or an item is lost on the way.
with

summed as (
    select
        batch_id,
        count(*) as item_count,
        sum(amount_micro_usdc) as items_micro_usdc
    from {{ ref('fct_payout_items') }}
    group by batch_id
)

select
    batch_id,
    batches.claim_count,
    summed.item_count,
    batches.total_micro_usdc,
    summed.items_micro_usdc
from {{ ref('fct_payout_batches') }} as batches
full outer join summed using (batch_id)
where
    batches.claim_count is distinct from summed.item_count
    or batches.total_micro_usdc is distinct from summed.items_micro_usdc
