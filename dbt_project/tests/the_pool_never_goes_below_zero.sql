-- Harm: a deposit or premium missing from the evidence makes every balance and limit wrong.
select
    movement_id,
    balance_micro_usdc
from {{ ref('fct_pool_movements') }}
where balance_micro_usdc < 0
