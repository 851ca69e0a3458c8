with

batches as (
    select * from {{ ref('fct_payout_batches') }}
),

last_batches as (
    select
        chain_id,
        batch_id,
        batch_no,
        status,
        claim_count,
        total_micro_usdc,
        {{ to_usdc('total_micro_usdc') }} as total_usdc,
        paid_micro_usdc,
        {{ to_usdc('paid_micro_usdc') }} as paid_usdc,
        failed_count,
        tx_hash,
        gas_used,
        planned_at,
        settled_at
    from batches
    order by planned_at desc nulls first, batch_no desc, batch_id desc
    limit 20
)

select * from last_batches
