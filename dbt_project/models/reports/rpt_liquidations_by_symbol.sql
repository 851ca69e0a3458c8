with

liquidations as (
    select * from {{ ref('fct_liquidations') }}
),

counted as (
    select
        inst_id,
        kind,
        position_side,
        count(*) as liquidation_count,
        count(*) filter (where is_insured) as insured_count,
        cast(coalesce(sum(realised_loss_micro_usdc), 0) as bigint) as realised_loss_micro_usdc
    from liquidations
    group by inst_id, kind, position_side
),

shown as (
    select
        *,
        {{ to_usdc('realised_loss_micro_usdc') }} as realised_loss_usdc
    from counted
)

select * from shown
