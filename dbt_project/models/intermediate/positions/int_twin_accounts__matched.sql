-- Insured accounts with a fill that could have opened the other side of a liquidated position, in
-- its asset and around its opening: only these can hold one that offsets it. Found without sorting
-- or casting any fill; a superset.
with

closes as (
    select * from {{ ref('int_closes__measured') }} where opened_at is not null
),

fills as (
    select * from {{ ref('stg_exchanges__fills') }}
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
        closes.opened_at,
        if(closes.position_side = 'long', 'sell', 'buy') as twin_order_side,
        to_seconds(limits.hedge_window_seconds) as span,
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
        fills.order_side,
        fills.filled_at,
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
        traded.exchange,
        traded.account_id,
        traded.inst_id
    from traded
    inner join spans
        on
            traded.base_asset = spans.base_asset
            and traded.order_side = spans.twin_order_side
            and traded.span_no = spans.span_no
    where traded.filled_at between spans.opened_at - spans.span and spans.opened_at + spans.span
)

select * from matched
