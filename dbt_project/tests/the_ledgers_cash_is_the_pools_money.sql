-- Harm: the books have other money than the pool on the chain. Movement by movement, so at every
-- block.
select
    movement_id,
    chain_id,
    chain_micro_usdc,
    ledger_micro_usdc
from {{ ref('int_pool_movements__booked') }}
where chain_micro_usdc <> ledger_micro_usdc
