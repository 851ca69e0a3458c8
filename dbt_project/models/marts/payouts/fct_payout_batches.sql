with

batches as (
    select * from {{ ref('stg_settlement__batches') }}
),

settlements as (
    select * from {{ ref('stg_chain__batch_settlements') }}
),

items as (
    select * from {{ ref('fct_payout_items') }}
),

planned as (
    select
        batches.chain_id,
        batches.batch_id,
        batches.batch_no,
        if(settlements.batch_no is null, 'planned', 'settled') as status,
        batches.claim_count,
        batches.total_micro_usdc,
        coalesce(settlements.paid_micro_usdc, 0) as paid_micro_usdc,
        coalesce(settlements.failed_count, 0) as failed_count,
        coalesce(settlements.evidence_root, batches.evidence_root) as evidence_root,
        coalesce(settlements.tx_hash, batches.tx_hash) as tx_hash,
        coalesce(settlements.gas_used, batches.gas_used) as gas_used,
        batches.planned_at,
        settlements.block_at as settled_at
    from batches
    left join settlements
        on batches.chain_id = settlements.chain_id and batches.batch_no = settlements.batch_no
),

approved as (
    select
        chain_id,
        batch_id,
        null::bigint as batch_no,
        'approved' as status,
        cast(count(*) as integer) as claim_count,
        cast(sum(amount_micro_usdc) as bigint) as total_micro_usdc,
        0::bigint as paid_micro_usdc,
        0 as failed_count,
        null::varchar as evidence_root,
        null::varchar as tx_hash,
        null::bigint as gas_used,
        null::timestamptz as planned_at,
        null::timestamptz as settled_at
    from items
    where status = 'approved'
    group by chain_id, batch_id
),

unioned as (
    select * from planned
    union all
    select * from approved
)

select * from unioned
