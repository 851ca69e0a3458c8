-- Each batch of the store beside what the chain says of the same number, and what differs between
-- the two. A batch is in flight until the store calls it final and the hour of its block is landed.
with

batches as (
    select * from {{ ref('stg_settlement__batches') }}
),

settlements as (
    select * from {{ ref('stg_chain__batch_settlements') }}
),

-- Without what was paid after a refusal: that is a transaction of its own, and of no batch.
payouts as (
    select *
    from {{ ref('stg_chain__payouts') }}
    qualify not (is_paid and bool_or(not is_paid) over (partition by chain_id, claim_index))
),

windows as (
    select * from {{ ref('stg_chain__fetch_windows') }}
),

-- Of a batch the store took over from the chain no block is known: any later reading will do.
seen as (
    select
        batches.chain_id,
        batches.batch_id
    from batches
    inner join windows on batches.chain_id = windows.chain_id
    group by batches.chain_id, batches.batch_id
    having
        bool_or(
            if(
                batches.block_number is null,
                windows.fetched_at >= batches.updated_at,
                batches.block_number between windows.from_block and windows.to_block
            )
        )
),

paid as (
    select
        chain_id,
        batch_no,
        count(*) as event_count,
        sum(amount_micro_usdc) as event_micro_usdc,
        coalesce(sum(amount_micro_usdc) filter (where is_paid), 0) as paid_micro_usdc,
        count(*) filter (where not is_paid) as refused_count
    from payouts
    group by chain_id, batch_no
),

settled as (
    select
        chain_id,
        batch_no,
        count(*) as settlement_count,
        max(block_at) as settled_at,
        arg_max(total_micro_usdc, (block_number, log_index)) as total_micro_usdc,
        arg_max(paid_micro_usdc, (block_number, log_index)) as paid_micro_usdc,
        arg_max(failed_count, (block_number, log_index)) as failed_count,
        arg_max(evidence_root, (block_number, log_index)) as evidence_root
    from settlements
    group by chain_id, batch_no
),

joined as (
    select
        coalesce(batches.chain_id, settled.chain_id) as chain_id,
        coalesce(batches.batch_no, settled.batch_no) as batch_no,
        batches.batch_id,
        batches.state,
        batches.planned_at,
        settled.settled_at,
        batches.total_micro_usdc as store_micro_usdc,
        settled.total_micro_usdc as chain_micro_usdc,
        batches.state = 'FINAL' and seen.batch_id is not null as is_due,
        settled.settlement_count,
        settled.evidence_root as chain_root,
        batches.evidence_root as store_root,
        settled.paid_micro_usdc as settled_paid_micro_usdc,
        settled.failed_count,
        paid.event_micro_usdc,
        paid.paid_micro_usdc as event_paid_micro_usdc,
        paid.refused_count
    from batches
    full outer join settled
        on batches.chain_id = settled.chain_id and batches.batch_no = settled.batch_no
    left join seen on batches.chain_id = seen.chain_id and batches.batch_id = seen.batch_id
    left join paid
        on
            coalesce(batches.chain_id, settled.chain_id) = paid.chain_id
            and coalesce(batches.batch_no, settled.batch_no) = paid.batch_no
),

reconciled as (
    select
        chain_id,
        batch_no,
        batch_id,
        state,
        planned_at,
        settled_at,
        store_micro_usdc,
        chain_micro_usdc,
        coalesce(is_due, false) as is_due,
        list_filter([
            if(batch_id is null, 'batch_unknown_to_the_store', null),
            if(is_due and settlement_count is null, 'batch_missing_on_chain', null),
            if(settlement_count > 1, 'batch_settled_twice', null),
            if(chain_micro_usdc <> store_micro_usdc, 'batch_total_differs', null),
            if(chain_root <> store_root, 'batch_evidence_root_differs', null),
            if(
                coalesce(settlement_count, 1) = 1
                and (
                    chain_micro_usdc is distinct from event_micro_usdc
                    or settled_paid_micro_usdc is distinct from event_paid_micro_usdc
                    or failed_count is distinct from refused_count
                ),
                'batch_is_not_its_events',
                null
            )
        ], lambda kind: kind is not null) as differences
    from joined
)

select * from reconciled
