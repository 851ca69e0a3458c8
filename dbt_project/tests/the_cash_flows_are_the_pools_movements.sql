-- Harm: money that came or went unreported.
with

flows as (
    select
        chain_id,
        cast(sum(amount_micro_usdc) as bigint) as reported_micro_usdc
    from {{ ref('rpt_cash_flows') }}
    group by chain_id
),

movements as (
    select
        chain_id,
        cast(arg_max(balance_micro_usdc, (block_number, log_index)) as bigint)
            as balance_micro_usdc
    from {{ ref('fct_pool_movements') }}
    group by chain_id
)

select
    chain_id,
    flows.reported_micro_usdc,
    movements.balance_micro_usdc
from flows
full outer join movements using (chain_id)
where flows.reported_micro_usdc is distinct from movements.balance_micro_usdc
