with

movements as (
    select * from {{ ref('fct_pool_movements') }}
),

hourly as (
    select
        date_trunc('hour', moved_at) as hour_at,
        cast(coalesce(sum(amount_micro_usdc) filter (where kind = 'deposit'), 0) as bigint)
            as deposits_micro_usdc,
        cast(coalesce(sum(amount_micro_usdc) filter (where kind = 'premium'), 0) as bigint)
            as premiums_micro_usdc,
        cast(coalesce(-sum(amount_micro_usdc) filter (where kind = 'payout'), 0) as bigint)
            as payouts_micro_usdc,
        cast(coalesce(-sum(amount_micro_usdc) filter (where kind = 'withdrawal'), 0) as bigint)
            as withdrawals_micro_usdc,
        cast(coalesce(-sum(amount_micro_usdc) filter (where kind = 'refund'), 0) as bigint)
            as refunds_micro_usdc,
        cast(coalesce(sum(amount_micro_usdc) filter (where kind = 'unmatched'), 0) as bigint)
            as unmatched_micro_usdc,
        cast(sum(amount_micro_usdc) as bigint) as net_micro_usdc
    from movements
    group by hour_at
),

-- Over all pools: each chain's own balance stands with its movements.
balanced as (
    select
        * exclude (net_micro_usdc),
        cast(
            sum(net_micro_usdc) over (order by hour_at rows unbounded preceding) as bigint
        ) as balance_micro_usdc
    from hourly
),

shown as (
    select
        *,
        {{ to_usdc('balance_micro_usdc') }} as balance_usdc
    from balanced
)

select * from shown
