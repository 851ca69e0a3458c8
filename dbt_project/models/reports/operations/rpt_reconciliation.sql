with

days as (
    select * from {{ ref('fct_reconciliation_days') }}
),

shown as (
    select
        chain_id,
        reconciled_date,
        batch_count,
        in_flight_count,
        differing_count,
        claims_micro_usdc,
        store_micro_usdc,
        chain_micro_usdc,
        chain_paid_micro_usdc,
        chain_minus_store_paid_micro_usdc,
        is_reconciled
    from days
)

select * from shown
