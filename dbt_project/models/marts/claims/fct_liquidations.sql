with

closes as (
    select *
    from {{ ref('int_closes__measured') }}
    where forced_kind <> 'own_close'
    -- One account bound twice reports its liquidations twice.
    qualify row_number() over (partition by liquidation_event_id order by account_id) = 1
),

claims as (
    select distinct liquidation_event_id from {{ ref('int_claims__opened') }}
),

joined as (
    select
        closes.liquidation_event_id,
        closes.exchange,
        closes.account_id,
        closes.order_id,
        closes.inst_id,
        closes.forced_kind as kind,
        closes.position_side,
        closes.opened_at,
        closes.liquidated_at,
        closes.closed_qty_contracts as qty_contracts,
        cast(
            cast(closes.closed_qty_contracts as decimal(20, 8))
            * cast(closes.contract_size as decimal(18, 10)) as decimal(38, 18)
        ) as qty_base,
        closes.average_price as price,
        closes.realised_loss_micro_usdc,
        claims.liquidation_event_id is not null as is_insured
    from closes
    left join claims on closes.liquidation_event_id = claims.liquidation_event_id
),

valued as (
    select
        *,
        cast(cast(qty_base as decimal(24, 8)) * cast(price as decimal(24, 12)) as decimal(38, 18))
            as notional_quote
    from joined
)

select * from valued
