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
        arg_max(balance_micro_usdc, (block_number, log_index)) as balance_micro_usdc
    from movements
    group by hour_at
),

shown as (
    select
        *,
        {{ to_usdc('balance_micro_usdc') }} as balance_usdc
    from hourly
)

select * from shown
