-- The product's formula, before any limit: the lesser of the insured principal and the margin
-- opened, times the share closed, times the payout rate. Fractions are multiplied as whole numbers
-- and rounded down once; the lesser of two numbers rounded down is the lesser rounded down.
with

claims as (
    select *
    from {{ ref('int_claims__decided') }}
    where verdict = 'verified' and len(hold_codes) = 0
),

balances as (
    select * from {{ ref('int_contexts__pool_balances') }}
),

-- Margin as the smallest whole number over a power of ten, so that products stay in range.
reduced as (
    select
        *,
        {{ units('margin_opened') }}
        // gcd({{ units('margin_opened') }}, 1000000000000000000::hugeint) as margin_numerator,
        1000000000000000000::hugeint
        // gcd({{ units('margin_opened') }}, 1000000000000000000::hugeint) as margin_denominator,
        principal_micro_usdc::hugeint * peak_share_numerator::hugeint * payout_rate_ppm
        // (peak_share_denominator::hugeint * 1000000) as formula_of_principal,
        margin_numerator * opened_share_numerator::hugeint * payout_rate_ppm
        // (margin_denominator * opened_share_denominator::hugeint) as formula_of_margin
    from claims
),

calculated as (
    select
        reduced.claim_id,
        reduced.chain_id,
        reduced.policy_id,
        reduced.liquidation_event_id,
        reduced.wallet,
        reduced.notified_at,
        reduced.liquidated_at,
        reduced.realised_loss_micro_usdc,
        coalesce(balances.balance_micro_usdc, 0) as pool_balance_micro_usdc,
        cast(
            {{ lesser(['formula_of_principal', 'formula_of_margin']) }} as bigint
        ) as formula_micro_usdc
    from reduced
    left join balances on reduced.claim_id = balances.claim_id
)

select * from calculated
