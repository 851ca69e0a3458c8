-- Harm: a batch the pool cannot pay reverts, and everybody in it waits.
with

open_batches as (
    select
        chain_id,
        sum(total_micro_usdc) as total_micro_usdc
    from {{ ref('fct_payout_batches') }}
    where status <> 'settled'
    group by chain_id
),

pools as (
    select
        chain_id,
        arg_max(balance_micro_usdc, (block_number, log_index)) as balance_micro_usdc
    from {{ ref('fct_pool_movements') }}
    group by chain_id
)

select
    open_batches.chain_id,
    open_batches.total_micro_usdc,
    pools.balance_micro_usdc
from open_batches
left join pools on open_batches.chain_id = pools.chain_id
where open_batches.total_micro_usdc > coalesce(pools.balance_micro_usdc, 0)
