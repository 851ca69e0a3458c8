-- Positions of insured accounts opened around the opening of a liquidated one in the same asset.
with

legs as (
    select * from {{ ref('int_twin_legs__numbered') }}
),

closes as (
    select * from {{ ref('int_closes__measured') }} where opened_at is not null
),

accounts as (
    select * from {{ ref('int_accounts__insured') }}
),

instruments as (
    select distinct
        exchange,
        inst_id,
        base_asset
    from {{ ref('int_instruments__versioned') }}
),

limits as (
    {{ thresholds() }}
),

episodes as (
    {{ assembled_episodes('legs') }}
),

openings as (
    select distinct
        closes.base_asset,
        closes.opened_at,
        to_seconds(limits.hedge_window_seconds) as span
    from closes
    cross join limits
    where {{ is_liquidation('closes.forced_kind') }}
),

near as (
    select
        episodes.*,
        instruments.base_asset
    from episodes
    inner join instruments
        on episodes.exchange = instruments.exchange and episodes.inst_id = instruments.inst_id
    semi join openings
        on
            instruments.base_asset = openings.base_asset
            and episodes.opened_at >= openings.opened_at - openings.span
            and episodes.opened_at <= openings.opened_at + openings.span
),

valued as (
    select
        near.*,
        accounts.party_key,
        accounts.root_key,
        {{ base_qty('near.opened_qty_contracts', 'near.contract_size') }} as qty_base,
        {{ notional('near.opened_price_qty', 'near.contract_size') }} as notional_quote,
        case
            when near.closed_at is not null
                then
                    if(near.position_side = 'long', 1, -1) * (
                        {{ notional('near.closed_price_qty', 'near.contract_size') }}
                        - {{ notional('near.opened_price_qty', 'near.contract_size') }}
                    )
        end as result_quote
    from near
    inner join accounts
        on near.exchange = accounts.exchange and near.account_id = accounts.account_id
),

-- Written as the raw table of a package holds them.
written as (
    select
        {{ pseudonym('episode_id') }} as position_key,
        party_key,
        root_key,
        exchange,
        base_asset,
        position_side,
        epoch_ms(opened_at) as opened_at_ms,
        epoch_ms(closed_at) as closed_at_ms,
        -- For people to read: cut off at eight decimals, no rule reads it.
        {{ units('opened_price_qty') }} // 100000000 * 100000000000000
        // {{ units('opened_qty_contracts') }} * 10000000000 as entry_units,
        cast({{ from_units('entry_units') }} as varchar) as entry_price,
        cast(qty_base as varchar) as qty_base,
        cast(notional_quote as varchar) as notional_quote,
        cast(result_quote as varchar) as result_quote
    from valued
    where notional_quote is not null
)

select * exclude (entry_units) from written
