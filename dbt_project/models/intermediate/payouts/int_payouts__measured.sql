-- The product's formula, before any limit: the lesser of the insured principal and the margin
-- opened, times the share closed, times the payout rate. Fractions are multiplied as whole numbers
-- and rounded down once; the lesser of two numbers rounded down is the lesser rounded down.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

screened as (
    select * from {{ ref('int_claims__screened') }} where is_contender
),

-- Margin as the smallest whole number over a power of ten, so that products stay in range.
reduced as (
    select
        claims.*,
        {{ units('claims.margin_opened') }}
        // gcd({{ units('claims.margin_opened') }}, 1000000000000000000::hugeint)
            as margin_numerator,
        1000000000000000000::hugeint
        // gcd({{ units('claims.margin_opened') }}, 1000000000000000000::hugeint)
            as margin_denominator,
        claims.principal_micro_usdc::hugeint
        * claims.peak_share_numerator::hugeint
        * claims.payout_rate_ppm
        // (claims.peak_share_denominator::hugeint * 1000000) as formula_of_principal,
        margin_numerator * claims.opened_share_numerator::hugeint * claims.payout_rate_ppm
        // (margin_denominator * claims.opened_share_denominator::hugeint) as formula_of_margin
    from claims
    inner join screened on claims.claim_id = screened.claim_id
),

measured as (
    select
        claim_id,
        realised_loss_micro_usdc,
        cast(
            {{ lesser(['formula_of_principal', 'formula_of_margin']) }} as bigint
        ) as formula_micro_usdc
    from reduced
)

select * from measured
