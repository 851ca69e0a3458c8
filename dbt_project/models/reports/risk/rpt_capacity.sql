-- What is at risk against what may be sold, by limit. A cover without a position may go either
-- way, so it counts on both sides.
with

limits as (
    select * from {{ ref('dim_capacity_limits') }}
),

covers as (
    select * from {{ ref('fct_covers') }} where is_in_force
),

used as (
    select
        limits.limit_id,
        limits.product_version,
        limits.side,
        limits.min_leverage,
        limits.max_open_micro_usdc,
        cast(coalesce(sum(covers.sum_at_risk_micro_usdc), 0) as bigint) as open_micro_usdc
    from limits
    left join covers
        on
            limits.product_version = covers.product_version
            and covers.leverage between limits.min_leverage and limits.max_leverage
            and covers.position_side in (limits.side, 'none opened')
    group by all
),

shared as (
    select
        *,
        cast(1000000 * open_micro_usdc // max_open_micro_usdc as bigint) as used_ppm
    from used
)

select * from shared
