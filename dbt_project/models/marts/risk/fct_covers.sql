-- What each policy insures now: its newest position opened inside the cover, the mark price there
-- and how far it is from liquidation. Distances are for people to look at; no decision reads them.
-- P_liq / entry is (1 - 1/L) / (1 - m) for a long, (1 + 1/L) / (1 + m) for a short.
with

policies as (
    select * from {{ ref('fct_policies') }}
),

accounts as (
    select * from {{ ref('dim_accounts') }}
),

episodes as (
    select * from {{ ref('int_position_episodes__assembled') }} where opened_qty_contracts > 0
),

instruments as (
    select * from {{ ref('sold_instruments') }}
),

volatilities as (
    select * from {{ ref('symbol_volatilities') }}
    qualify row_number() over (partition by base_asset order by model_version desc) = 1
),

marks as (
    select
        exchange,
        inst_id,
        arg_max(close_price, minute_at) as mark_price,
        max(minute_at) as marked_at
    from {{ ref('int_candles__deduplicated') }}
    where price_kind = 'mark' and is_final
    group by exchange, inst_id
),

opened as (
    select
        policies.policy_id,
        episodes.position_side,
        episodes.opened_at,
        episodes.closed_at,
        cast(episodes.opened_price_qty as double) / cast(episodes.opened_qty_contracts as double)
            as entry_price,
        cast(episodes.opened_qty_contracts as double) * cast(episodes.contract_size as double)
            as qty_base
    from policies
    inner join episodes
        on
            policies.account_id = episodes.account_id
            and policies.inst_id = episodes.inst_id
            and policies.cover_start_at <= episodes.opened_at
            and policies.cover_end_at > episodes.opened_at
    qualify
        row_number() over (
            partition by policies.policy_id
            order by episodes.opened_at desc, episodes.episode_id desc
        ) = 1
),

joined as (
    select
        policies.policy_id,
        policies.wallet,
        accounts.exchange,
        policies.inst_id,
        instruments.base_asset,
        policies.leverage,
        policies.product_version,
        policies.state,
        policies.state in ('WAITING', 'IN_FORCE') as is_in_force,
        policies.cover_start_at,
        policies.cover_end_at,
        policies.principal_micro_usdc,
        policies.premium_micro_usdc,
        policies.expected_loss_micro_usdc,
        greatest(policies.remaining_micro_usdc, 0) as sum_at_risk_micro_usdc,
        coalesce(opened.position_side, 'none opened') as position_side,
        opened.opened_at,
        opened.policy_id is not null and opened.closed_at is null as is_position_open,
        cast(1e6 * opened.qty_base * marks.mark_price as bigint) as notional_micro_usdc,
        marks.marked_at,
        volatilities.sigma_minute_ppb,
        opened.entry_price * if(
            opened.position_side = 'long',
            (1 - 1.0 / policies.leverage) / (1 - volatilities.maintenance_ppm / 1e6),
            (1 + 1.0 / policies.leverage) / (1 + volatilities.maintenance_ppm / 1e6)
        ) as liquidation_price,
        cast(marks.mark_price as double) as mark_price
    from policies
    left join accounts on policies.account_id = accounts.account_id
    left join opened on policies.policy_id = opened.policy_id
    left join instruments
        on accounts.exchange = instruments.exchange and policies.inst_id = instruments.inst_id
    left join marks on accounts.exchange = marks.exchange and policies.inst_id = marks.inst_id
    left join volatilities on instruments.base_asset = volatilities.base_asset
),

measured as (
    select
        * exclude (liquidation_price, mark_price, sigma_minute_ppb),
        cast(
            1e6 * greatest(
                if(
                    position_side = 'long',
                    ln(mark_price / nullif(liquidation_price, 0)),
                    ln(nullif(liquidation_price, 0) / mark_price)
                ),
                0
            ) as bigint
        ) as distance_ppm,
        sigma_minute_ppb
    from joined
)

select * from measured
