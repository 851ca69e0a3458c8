-- What the pool that sold the policy held when each claim's position was liquidated; what was
-- brought along wins, as a package does not hold the pool's movements.
with

claims as (
    select
        claim_id,
        chain_id,
        liquidated_at
    from {{ ref('int_claims__evidenced') }}
    where liquidated_at is not null
),

movements as (
    select * from {{ ref('int_pool_movements__balanced') }}
),

brought as (
    select * from {{ ref('stg_evidence__pool_balances') }}
),

balances as (
    select
        chain_id,
        moved_at,
        arg_max(balance_micro_usdc, (block_number, log_index)) as balance_micro_usdc
    from movements
    group by chain_id, moved_at
),

known as (
    select
        claims.claim_id,
        coalesce(brought.balance_micro_usdc, balances.balance_micro_usdc, 0) as balance_micro_usdc
    from claims
    asof left join balances
        on claims.chain_id = balances.chain_id and claims.liquidated_at >= balances.moved_at
    left join brought on claims.claim_id = brought.claim_id
)

select * from known
