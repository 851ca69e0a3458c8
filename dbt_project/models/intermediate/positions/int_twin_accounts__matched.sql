-- Insured accounts that traded an asset around the time a liquidated position in it was opened:
-- only their fills can hold a position that offsets it. A superset, found without sorting fills.
with

closes as (
    select * from {{ ref('int_closes__measured') }} where opened_at is not null
),

fills as (
    select * from {{ ref('int_fills__landed') }}
),

insured as (
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

spans as (
    select distinct
        closes.base_asset,
        epoch_ms(closes.opened_at) // (limits.hedge_window_seconds * 1000)
        + unnest([-1, 0, 1]) as span_no
    from closes
    cross join limits
    where {{ is_liquidation('closes.forced_kind') }}
),

traded as (
    select
        fills.exchange,
        fills.account_id,
        fills.inst_id,
        instruments.base_asset,
        epoch_ms(fills.filled_at) // (limits.hedge_window_seconds * 1000) as span_no
    from fills
    cross join limits
    inner join instruments
        on fills.exchange = instruments.exchange and fills.inst_id = instruments.inst_id
    semi join insured
        on fills.exchange = insured.exchange and fills.account_id = insured.account_id
),

matched as (
    select distinct
        exchange,
        account_id,
        inst_id
    from traded
    semi join spans using (base_asset, span_no)
)

select * from matched
