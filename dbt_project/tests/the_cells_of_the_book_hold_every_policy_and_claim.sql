-- Harm: a policy or claim that falls between the cells makes some leverage or venue look cheap.
with

cells as (
    select
        cast(coalesce(sum(policy_count), 0) as bigint) as policy_count,
        cast(coalesce(sum(written_micro_usdc), 0) as bigint) as written_micro_usdc,
        cast(sum(expected_loss_micro_usdc) as bigint) as expected_loss_micro_usdc,
        cast(sum(modelled_premium_micro_usdc) as bigint) as modelled_premium_micro_usdc,
        cast(coalesce(sum(claim_count), 0) as bigint) as claim_count,
        cast(coalesce(sum(paid_micro_usdc), 0) as bigint) as paid_micro_usdc
    from {{ ref('rpt_loss_cells') }}
),

policies as (
    select
        count(*) as policy_count,
        cast(coalesce(sum(premium_micro_usdc), 0) as bigint) as written_micro_usdc,
        cast(sum(expected_loss_micro_usdc) as bigint) as expected_loss_micro_usdc,
        cast(
            sum(premium_micro_usdc) filter (where expected_loss_micro_usdc is not null) as bigint
        ) as modelled_premium_micro_usdc
    from {{ ref('fct_policies') }}
),

claims as (
    select
        count(*) as claim_count,
        cast(coalesce(sum(claims.paid_micro_usdc), 0) as bigint) as paid_micro_usdc
    from {{ ref('fct_claims') }} as claims
    semi join {{ ref('fct_policies') }} as policies on claims.policy_id = policies.policy_id
)

select
    cells.*,
    policies.policy_count as policies_sold,
    claims.claim_count as claims_notified
from cells
cross join policies
cross join claims
where
    cells.policy_count <> policies.policy_count
    or cells.written_micro_usdc <> policies.written_micro_usdc
    or cells.expected_loss_micro_usdc is distinct from policies.expected_loss_micro_usdc
    or cells.modelled_premium_micro_usdc is distinct from policies.modelled_premium_micro_usdc
    or cells.claim_count <> claims.claim_count
    or cells.paid_micro_usdc <> claims.paid_micro_usdc
