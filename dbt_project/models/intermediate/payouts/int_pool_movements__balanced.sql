with

deposits as (
    select * from {{ ref('stg_chain__deposits') }}
),

withdrawals as (
    select * from {{ ref('stg_chain__withdrawals') }}
),

purchases as (
    select * from {{ ref('stg_chain__policy_purchases') }}
),

cancellations as (
    select * from {{ ref('stg_chain__policy_cancellations') }}
),

receipts as (
    select * from {{ ref('stg_chain__token_receipts') }}
),

payouts as (
    select * from {{ ref('stg_chain__payouts') }} where is_paid
),

movements as (
    select
        chain_id,
        tx_hash,
        log_index,
        block_number,
        block_at,
        'deposit' as kind,
        depositor as party,
        amount_micro_usdc
    from deposits

    union all

    select
        chain_id,
        tx_hash,
        log_index,
        block_number,
        block_at,
        'premium' as kind,
        buyer as party,
        premium_micro_usdc as amount_micro_usdc
    from purchases

    union all

    select
        chain_id,
        tx_hash,
        log_index,
        block_number,
        block_at,
        'payout' as kind,
        recipient as party,
        -amount_micro_usdc as amount_micro_usdc
    from payouts

    union all

    select
        chain_id,
        tx_hash,
        log_index,
        block_number,
        block_at,
        'withdrawal' as kind,
        recipient as party,
        -amount_micro_usdc as amount_micro_usdc
    from withdrawals

    union all

    select
        chain_id,
        tx_hash,
        log_index,
        block_number,
        block_at,
        'refund' as kind,
        buyer as party,
        -refund_micro_usdc as amount_micro_usdc
    from cancellations

    union all

    select
        chain_id,
        tx_hash,
        log_index,
        block_number,
        block_at,
        'unmatched' as kind,
        payer as party,
        amount_micro_usdc
    from receipts
),

balanced as (
    select
        concat_ws(':', chain_id, tx_hash, log_index) as movement_id,
        chain_id,
        kind,
        block_at as moved_at,
        block_number,
        log_index,
        tx_hash,
        party,
        amount_micro_usdc,
        cast(
            sum(amount_micro_usdc) over (
                partition by chain_id order by block_number, log_index rows unbounded preceding
            ) as bigint
        ) as balance_micro_usdc
    from movements
)

select * from balanced
