-- Harm: the books earn premium the pool never got, or forget what it gave back.
with

pool as (
    select
        chain_id,
        sum(amount_micro_usdc) as amount_micro_usdc
    from {{ ref('fct_pool_movements') }}
    where kind in ('premium', 'refund')
    group by chain_id
),

books as (
    select
        chain_id,
        premium_micro_usdc - refund_micro_usdc as amount_micro_usdc
    from {{ ref('fct_policies') }}

    union all

    -- What bought nothing as quoted is in the pool too, less what its buyer took back himself.
    select
        purchases.chain_id,
        purchases.premium_micro_usdc as amount_micro_usdc
    from {{ ref('stg_chain__policy_purchases') }} as purchases
    anti join {{ ref('fct_policies') }} as policies
        on
            purchases.quote_id = policies.policy_id
            and purchases.chain_id = policies.chain_id
            and purchases.tx_hash = policies.purchase_tx_hash

    union all

    select
        cancellations.chain_id,
        -cancellations.refund_micro_usdc as amount_micro_usdc
    from {{ ref('stg_chain__policy_cancellations') }} as cancellations
    anti join {{ ref('fct_policies') }} as policies
        on
            cancellations.quote_id = policies.policy_id
            and cancellations.chain_id = policies.chain_id
)

select
    chain_id,
    sum(pool.amount_micro_usdc) as pool_micro_usdc,
    sum(booked.amount_micro_usdc) as booked_micro_usdc
from pool
full join (
    select
        chain_id,
        sum(amount_micro_usdc) as amount_micro_usdc
    from books
    group by chain_id
) as booked using (chain_id)
group by chain_id
having pool_micro_usdc is distinct from booked_micro_usdc
