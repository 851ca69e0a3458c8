-- Every forced close that was seen, insured or not.
with

liquidations as (
    select * from {{ ref('fct_liquidations') }}
),

hourly as (
    select
        date_trunc('hour', liquidated_at) as liquidated_hour_at,
        exchange,
        inst_id,
        kind,
        position_side,
        count(*) as liquidation_count,
        count(*) filter (where is_insured) as insured_count,
        cast(coalesce(sum(realised_loss_micro_usdc), 0) as bigint) as realised_loss_micro_usdc,
        cast(sum(1e6 * notional_quote) as bigint) as notional_micro_usdc
    from liquidations
    group by all
)

select * from hourly
