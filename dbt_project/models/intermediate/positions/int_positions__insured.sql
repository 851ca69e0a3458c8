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

openings as (
    select distinct
        closes.base_asset,
        if(closes.position_side = 'long', 'short', 'long') as twin_side,
        closes.opened_at - to_seconds(limits.hedge_window_seconds) as first_at,
        closes.opened_at + to_seconds(limits.hedge_window_seconds) as last_at
    from closes
    cross join limits
    where {{ is_liquidation('closes.forced_kind') }}
),

near as (
    select distinct
        legs.episode_id,
        instruments.base_asset
    from legs
    inner join instruments
        on legs.exchange = instruments.exchange and legs.inst_id = instruments.inst_id
    inner join openings
        on
            instruments.base_asset = openings.base_asset
            and legs.position_side = openings.twin_side
            and legs.filled_at between openings.first_at and openings.last_at
    where legs.is_start
),

near_legs as (
    select legs.*
    from legs
    semi join near using (episode_id)
),

episodes as (
    {{ assembled_episodes('near_legs') }}
),

placed as (
    select
        episodes.*,
        near.base_asset
    from episodes
    inner join near on episodes.episode_id = near.episode_id
),

valued as (
    select
        placed.*,
        accounts.party_key,
        accounts.root_key,
        {{ base_qty('placed.opened_qty_contracts', 'placed.contract_size') }} as qty_base,
        {{ notional('placed.opened_price_qty', 'placed.contract_size') }} as notional_quote,
        case
            when placed.closed_at is not null
                then
                    if(placed.position_side = 'long', 1, -1) * (
                        {{ notional('placed.closed_price_qty', 'placed.contract_size') }}
                        - {{ notional('placed.opened_price_qty', 'placed.contract_size') }}
                    )
        end as result_quote
    from placed
    inner join accounts
        on placed.exchange = accounts.exchange and placed.account_id = accounts.account_id
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
