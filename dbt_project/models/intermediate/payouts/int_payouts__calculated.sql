-- What every claim is worth that nothing speaks against, before the limits it shares with others.
with

claims as (
    select *
    from {{ ref('int_claims__decided') }}
    where verdict = 'verified' and len(hold_codes) = 0
),

measured as (
    select * from {{ ref('int_payouts__measured') }}
),

balances as (
    select * from {{ ref('int_contexts__pool_balances') }}
),

calculated as (
    select
        claims.claim_id,
        claims.chain_id,
        claims.policy_id,
        claims.liquidation_event_id,
        claims.wallet,
        claims.notified_at,
        claims.liquidated_at,
        claims.realised_loss_micro_usdc,
        coalesce(balances.balance_micro_usdc, 0) as pool_balance_micro_usdc,
        measured.formula_micro_usdc
    from claims
    left join measured on claims.claim_id = measured.claim_id
    left join balances on claims.claim_id = balances.claim_id
)

select * from calculated
