-- Harm: a batch the pool cannot pay reverts, and everybody in it waits.
with

open_batches as (
    select sum(total_micro_usdc) as total_micro_usdc
    from {{ ref('fct_payout_batches') }}
    where status <> 'settled'
),

pool as (
    select coalesce(arg_max(balance_micro_usdc, (block_number, log_index)), 0) as balance_micro_usdc
    from {{ ref('fct_pool_movements') }}
)

select
    open_batches.total_micro_usdc,
    pool.balance_micro_usdc
from open_batches
cross join pool
where open_batches.total_micro_usdc > pool.balance_micro_usdc
