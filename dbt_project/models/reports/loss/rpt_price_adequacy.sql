-- What each product and leverage took and cost: is the price enough?
with

cells as (
    select * from {{ ref('rpt_loss_cells') }}
),

summed as (
    select
        product_version,
        leverage,
        cast(sum(policy_count) as bigint) as policy_count,
        cast(sum(written_micro_usdc) as bigint) as written_micro_usdc,
        cast(sum(earned_micro_usdc) as bigint) as earned_micro_usdc,
        cast(sum(expected_loss_micro_usdc) as bigint) as expected_loss_micro_usdc,
        cast(sum(modelled_premium_micro_usdc) as bigint) as modelled_premium_micro_usdc,
        cast(sum(expected_to_date_micro_usdc) as bigint) as expected_to_date_micro_usdc,
        cast(sum(modelled_incurred_micro_usdc) as bigint) as modelled_incurred_micro_usdc,
        cast(sum(verified_count) as bigint) as verified_count,
        cast(sum(incurred_micro_usdc) as bigint) as incurred_micro_usdc,
        cast(
            1e6 * sum(incurred_micro_usdc) / nullif(sum(earned_micro_usdc), 0) as bigint
        ) as loss_ratio_ppm
    from cells
    group by product_version, leverage
)

select * from summed
