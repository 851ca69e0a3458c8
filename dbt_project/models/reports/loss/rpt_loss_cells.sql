-- Burning cost by venue, symbol, side, leverage and product; a premium is earned with the cover
-- that ran. A policy under which no position was opened has no side.
with

covers as (
    select * from {{ ref('fct_covers') }}
),

now as (
    select max(as_of_at) as as_of_at from {{ ref('dim_days') }}
),

claims as (
    select
        policy_id,
        count(*) as claim_count,
        count(*) filter (where verdict = 'verified') as verified_count,
        cast(sum(paid_micro_usdc) as bigint) as paid_micro_usdc,
        cast(sum(reserve_micro_usdc) as bigint) as reserve_micro_usdc
    from {{ ref('fct_claims') }}
    group by policy_id
),

earned as (
    select
        covers.*,
        greatest(
            epoch(least(covers.cover_end_at, now.as_of_at)) - epoch(covers.cover_start_at), 0
        ) as exposed_seconds,
        epoch(covers.cover_end_at) - epoch(covers.cover_start_at) as cover_seconds
    from covers
    cross join now
),

cells as (
    select
        earned.exchange,
        earned.inst_id,
        earned.base_asset,
        earned.position_side,
        earned.leverage,
        earned.product_version,
        cast(earned.cover_start_at as date) as cover_date,
        count(*) as policy_count,
        cast(sum(earned.exposed_seconds) as bigint) as exposed_seconds,
        cast(sum(earned.premium_micro_usdc) as bigint) as written_micro_usdc,
        cast(
            sum(
                earned.premium_micro_usdc * earned.exposed_seconds
                / greatest(earned.cover_seconds, 1)
            ) as bigint
        ) as earned_micro_usdc,
        -- Null where no policy of the cell has a chance of a model: unknown is not nothing.
        cast(sum(earned.expected_loss_micro_usdc) as bigint) as expected_loss_micro_usdc,
        cast(
            sum(earned.premium_micro_usdc)
            filter (where earned.expected_loss_micro_usdc is not null) as bigint
        ) as modelled_premium_micro_usdc,
        cast(
            sum(
                earned.expected_loss_micro_usdc * earned.exposed_seconds
                / greatest(earned.cover_seconds, 1)
            ) as bigint
        ) as expected_to_date_micro_usdc,
        cast(
            sum(coalesce(claims.paid_micro_usdc, 0) + coalesce(claims.reserve_micro_usdc, 0))
            filter (where earned.expected_loss_micro_usdc is not null) as bigint
        ) as modelled_incurred_micro_usdc,
        cast(sum(coalesce(claims.claim_count, 0)) as bigint) as claim_count,
        cast(sum(coalesce(claims.verified_count, 0)) as bigint) as verified_count,
        cast(sum(coalesce(claims.paid_micro_usdc, 0)) as bigint) as paid_micro_usdc,
        cast(
            sum(coalesce(claims.paid_micro_usdc, 0) + coalesce(claims.reserve_micro_usdc, 0))
            as bigint
        ) as incurred_micro_usdc
    from earned
    left join claims on earned.policy_id = claims.policy_id
    group by all
)

select * from cells
