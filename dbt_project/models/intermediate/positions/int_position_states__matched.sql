-- The positions-history row that reports a close. A row that names its closing order belongs to
-- that order; any other goes to the nearest close, so that the final row of an episode is never
-- held against an earlier partial liquidation of it.
with

closes as (
    select * from {{ ref('int_closes__placed') }}
),

positions as (
    select * from {{ ref('int_positions__deduplicated') }}
),

limits as (
    {{ thresholds() }}
),

named as (
    select
        closes.exchange,
        closes.account_id,
        closes.order_id,
        true as is_named,
        positions.* exclude (exchange, account_id, order_id, opened_at),
        abs(epoch_ms(positions.updated_at) - epoch_ms(closes.liquidated_at)) as distance_ms
    from closes
    inner join positions using (exchange, account_id, inst_id, order_id)
),

near as (
    select
        closes.exchange,
        closes.account_id,
        closes.order_id,
        false as is_named,
        positions.* exclude (exchange, account_id, order_id, opened_at),
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
    where positions.order_id is null
    qualify row_number() over (
        partition by positions.exchange, positions.account_id, positions.position_row_id
        order by distance_ms, closes.order_id
    ) = 1
),

paired as (
    select * from named
    union all by name
    select * from near
),

-- A venue may tell of one close in several places, the size in one and the trigger in another.
completed as (
    select
        * replace (
            coalesce(leverage, max(leverage) filter (where is_named) over same_close)
                as leverage,
            coalesce(trigger_price, max(trigger_price) filter (where is_named) over same_close)
                as trigger_price
        )
    from paired
    window same_close as (partition by exchange, account_id, order_id)
),

matched as (
    select *
    from completed
    qualify row_number() over (
        partition by exchange, account_id, order_id
        order by
            is_named desc, qty_contracts is null asc, distance_ms asc, updated_at asc,
            position_row_id asc, endpoint asc
    ) = 1
)

select * from matched
