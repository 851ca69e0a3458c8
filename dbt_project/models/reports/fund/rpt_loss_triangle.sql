-- What was notified by liquidation day and by the hours between liquidation and notice. A claim
-- whose liquidation is not seen yet stands at its notice.
with

claims as (
    select * from {{ ref('fct_claims') }} where verdict <> 'rejected'
),

lagged as (
    select
        cast(coalesce(liquidated_at, notified_at) as date) as liquidated_date,
        cast(
            greatest(epoch(notified_at) - epoch(coalesce(liquidated_at, notified_at)), 0) as bigint
        ) // 3600 as lag_hours,
        paid_micro_usdc,
        coalesce(reserve_micro_usdc, 0) as reserve_micro_usdc
    from claims
),

celled as (
    select
        liquidated_date,
        lag_hours,
        count(*) as notified_count,
        cast(sum(paid_micro_usdc) as bigint) as paid_micro_usdc,
        cast(sum(paid_micro_usdc + reserve_micro_usdc) as bigint) as incurred_micro_usdc
    from lagged
    group by liquidated_date, lag_hours
),

cumulative as (
    select
        *,
        cast(
            sum(incurred_micro_usdc) over (
                partition by liquidated_date order by lag_hours rows unbounded preceding
            ) as bigint
        ) as cumulative_incurred_micro_usdc
    from celled
)

select * from cumulative
