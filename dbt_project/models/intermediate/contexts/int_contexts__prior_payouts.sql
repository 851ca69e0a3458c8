-- Exported for a claim: the payouts counted before its own against the limits they share.
with

limited as (
    select * from {{ ref('int_payouts__limited') }}
),

prior as (
    select
        claim_id,
        chain_id,
        policy_key,
        party_key,
        cast(liquidation_date as varchar) as liquidation_date,
        sequence_no,
        approved_micro_usdc as amount_micro_usdc
    from limited
    where approved_micro_usdc is not null
)

select * from prior
