-- The books are a fourth side beside claims, store and chain: what they say was paid is set against
-- what the chain paid of the same batches.
with

days as (
    select * from {{ ref('fct_reconciliation_days') }}
),

batches as (
    select * from {{ ref('fct_reconciliation') }}
),

-- A payout that was refused may have gone into a later batch: the one that paid it counts.
items as (
    select * from {{ ref('fct_payout_items') }} where status = 'paid'
),

booked as (
    select
        chain_id,
        claim_id,
        sum(amount_micro_usdc) as paid_micro_usdc
    from {{ ref('fct_ledger_entries') }}
    where account = 'claims:paid' and kind = 'payout' and is_standing
    group by chain_id, claim_id
),

ledger_days as (
    select
        batches.chain_id,
        batches.reconciled_date,
        sum(booked.paid_micro_usdc) as paid_micro_usdc
    from items
    inner join batches on items.chain_id = batches.chain_id and items.batch_no = batches.batch_no
    inner join booked on items.chain_id = booked.chain_id and items.claim_id = booked.claim_id
    group by batches.chain_id, batches.reconciled_date
),

shown as (
    select
        days.chain_id,
        days.reconciled_date,
        days.batch_count,
        days.in_flight_count,
        days.differing_count,
        days.claims_micro_usdc,
        days.store_micro_usdc,
        days.chain_micro_usdc,
        days.chain_paid_micro_usdc,
        cast(coalesce(ledger_days.paid_micro_usdc, 0) as bigint) as ledger_paid_micro_usdc,
        days.chain_minus_store_paid_micro_usdc,
        cast(
            coalesce(ledger_days.paid_micro_usdc, 0) - days.chain_paid_micro_usdc as bigint
        ) as ledger_minus_chain_paid_micro_usdc,
        days.is_reconciled
    from days
    left join ledger_days
        on
            days.chain_id = ledger_days.chain_id
            and days.reconciled_date = ledger_days.reconciled_date
)

select * from shown
