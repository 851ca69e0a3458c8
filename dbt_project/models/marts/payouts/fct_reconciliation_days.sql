with

batches as (
    select * from {{ ref('fct_reconciliation') }}
),

summed as (
    select
        chain_id,
        reconciled_date,
        count(*) as batch_count,
        count(*) filter (where is_in_flight) as in_flight_count,
        count(*) filter (where differences <> '') as differing_count,
        cast(sum(claims_count) as bigint) as claims_count,
        cast(sum(store_count) as bigint) as store_count,
        cast(sum(chain_count) as bigint) as chain_count,
        cast(sum(claims_micro_usdc) as bigint) as claims_micro_usdc,
        cast(sum(store_micro_usdc) as bigint) as store_micro_usdc,
        cast(sum(chain_micro_usdc) as bigint) as chain_micro_usdc,
        cast(sum(store_paid_micro_usdc) as bigint) as store_paid_micro_usdc,
        cast(sum(chain_paid_micro_usdc) as bigint) as chain_paid_micro_usdc,
        cast(sum(claims_minus_store_micro_usdc) as bigint) as claims_minus_store_micro_usdc,
        cast(sum(chain_minus_store_micro_usdc) as bigint) as chain_minus_store_micro_usdc,
        cast(sum(chain_minus_store_paid_micro_usdc) as bigint)
            as chain_minus_store_paid_micro_usdc,
        bool_and(is_reconciled) as is_reconciled
    from batches
    group by chain_id, reconciled_date
)

select * from summed
