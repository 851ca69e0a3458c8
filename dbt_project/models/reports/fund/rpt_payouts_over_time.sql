with

movements as (
    select * from {{ ref('fct_pool_movements') }} where kind = 'payout'
),

hourly as (
    select
        date_trunc('hour', moved_at) as paid_hour_at,
        count(*) as payout_count,
        cast(-sum(amount_micro_usdc) as bigint) as paid_micro_usdc
    from movements
    group by paid_hour_at
),

cumulative as (
    select
        *,
        cast(
            sum(paid_micro_usdc) over (order by paid_hour_at rows unbounded preceding) as bigint
        ) as cumulative_paid_micro_usdc
    from hourly
),

shown as (
    select
        paid_hour_at,
        payout_count,
        paid_micro_usdc,
        {{ to_usdc('paid_micro_usdc') }} as paid_usdc,
        cumulative_paid_micro_usdc,
        {{ to_usdc('cumulative_paid_micro_usdc') }} as cumulative_paid_usdc
    from cumulative
)

select * from shown
