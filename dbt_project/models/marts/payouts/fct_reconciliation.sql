with

batches as (
    select * from {{ ref('int_batches__reconciled') }}
),

payouts as (
    select * from {{ ref('int_payouts__reconciled') }}
),

differences as (
    select
        chain_id,
        batch_no,
        string_agg(kind, ',' order by kind) as kinds
    from {{ ref('fct_reconciliation_differences') }}
    group by chain_id, batch_no
),

summed as (
    select
        chain_id,
        batch_no,
        count(claims_micro_usdc) as claims_count,
        count(store_micro_usdc) as store_count,
        count(chain_micro_usdc) as chain_count,
        max(block_at) as block_at,
        cast(coalesce(sum(claims_micro_usdc), 0) as bigint) as claims_micro_usdc,
        cast(coalesce(sum(store_micro_usdc), 0) as bigint) as store_micro_usdc,
        cast(coalesce(sum(chain_micro_usdc), 0) as bigint) as chain_micro_usdc,
        cast(coalesce(sum(store_paid_micro_usdc), 0) as bigint) as store_paid_micro_usdc,
        cast(coalesce(sum(chain_paid_micro_usdc), 0) as bigint) as chain_paid_micro_usdc
    from payouts
    group by chain_id, batch_no
),

-- A batch of the chain alone has events or a settlement; either makes a row.
joined as (
    select
        coalesce(batches.chain_id, summed.chain_id) as chain_id,
        coalesce(batches.batch_no, summed.batch_no) as batch_no,
        batches.batch_id,
        batches.state,
        batches.planned_at,
        coalesce(batches.settled_at, summed.block_at) as settled_at,
        coalesce(batches.is_due, false) as is_due,
        coalesce(summed.claims_count, 0) as claims_count,
        coalesce(summed.store_count, 0) as store_count,
        coalesce(summed.chain_count, 0) as chain_count,
        coalesce(summed.claims_micro_usdc, 0) as claims_micro_usdc,
        coalesce(summed.store_micro_usdc, 0) as store_micro_usdc,
        coalesce(summed.chain_micro_usdc, 0) as chain_micro_usdc,
        coalesce(summed.store_paid_micro_usdc, 0) as store_paid_micro_usdc,
        coalesce(summed.chain_paid_micro_usdc, 0) as chain_paid_micro_usdc
    from batches
    full outer join summed
        on batches.chain_id = summed.chain_id and batches.batch_no = summed.batch_no
),

reconciled as (
    select
        joined.chain_id,
        joined.batch_no,
        joined.batch_id,
        joined.state,
        cast(coalesce(joined.settled_at, joined.planned_at) as date) as reconciled_date,
        joined.claims_count,
        joined.store_count,
        joined.chain_count,
        joined.claims_micro_usdc,
        joined.store_micro_usdc,
        joined.chain_micro_usdc,
        joined.store_paid_micro_usdc,
        joined.chain_paid_micro_usdc,
        joined.claims_micro_usdc - joined.store_micro_usdc as claims_minus_store_micro_usdc,
        joined.chain_micro_usdc - joined.store_micro_usdc as chain_minus_store_micro_usdc,
        joined.chain_paid_micro_usdc
        - joined.store_paid_micro_usdc as chain_minus_store_paid_micro_usdc,
        coalesce(differences.kinds, '') as differences,
        not joined.is_due and differences.kinds is null as is_in_flight,
        joined.is_due and differences.kinds is null as is_reconciled
    from joined
    left join differences
        on joined.chain_id = differences.chain_id and joined.batch_no = differences.batch_no
)

select * from reconciled
