-- The positions-history row that reports a close: each row goes to the nearest close, so that the
-- final row of an episode is never held against an earlier partial liquidation of it.
with

closes as (
    select * from {{ ref('int_closes__placed') }}
),

positions as (
    select * from {{ ref('stg_okx__positions') }}
),

markers as (
    select * from {{ ref('exchange_markers') }} where source = 'position_type'
),

limits as (
    {{ thresholds() }}
),

paired as (
    select
        closes.exchange,
        closes.account_id,
        closes.order_id,
        markers.forced_kind,
        positions.position_id,
        positions.trigger_price,
        positions.leverage,
        positions.updated_at,
        positions.reply_sha256,
        abs(epoch_ms(positions.updated_at) - epoch_ms(closes.liquidated_at)) as distance_ms
    from closes
    cross join limits
    inner join positions
        on
            closes.exchange = positions.exchange
            and closes.account_id = positions.account_id
            and closes.inst_id = positions.inst_id
            and closes.position_side = positions.position_side
            and positions.updated_at
            between closes.liquidated_at - to_seconds(limits.position_match_seconds)
            and closes.liquidated_at + to_seconds(limits.position_match_seconds)
    left join markers
        on
            positions.exchange = markers.exchange
            and positions.position_type = markers.marker
),

nearest_close as (
    select *
    from paired
    qualify row_number() over (
        partition by exchange, account_id, position_id, updated_at order by distance_ms, order_id
    ) = 1
),

matched as (
    select *
    from nearest_close
    qualify row_number() over (
        partition by exchange, account_id, order_id order by distance_ms, updated_at, position_id
    ) = 1
)

select * from matched
