with

batches as (
    select * from {{ ref('fct_payout_batches') }}
),

measured as (
    select
        chain_id,
        batch_id,
        batch_no,
        status,
        claim_count,
        failed_count,
        total_micro_usdc,
        paid_micro_usdc,
        gas_used,
        gas_used // greatest(claim_count, 1) as gas_per_claim,
        planned_at,
        settled_at,
        cast(epoch(settled_at) - epoch(planned_at) as bigint) as seconds_to_settle,
        evidence_root,
        tx_hash
    from batches
)

select * from measured
