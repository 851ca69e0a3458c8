-- Each order put into the position episode it closed, with the episode as it stood then: what
-- happens later must not change what was decided.
with

evidenced as (
    select * from {{ ref('int_orders__evidenced') }}
),

legs as (
    select * from {{ ref('int_position_legs__numbered') }}
),

episodes as (
    select * from {{ ref('int_position_episodes__assembled') }}
),

closing_legs as (
    select
        legs.exchange,
        legs.account_id,
        legs.order_id,
        arg_max(legs.episode_id, legs.leg_no) as episode_id,
        max(legs.leg_no) as last_leg_no,
        sum(legs.leg_qty_contracts) as closed_qty_contracts,
        arg_max(legs.contract_size, legs.leg_no) as contract_size
    from legs
    semi join evidenced using (exchange, account_id, order_id)
    where legs.leg_kind = 'close'
    group by legs.exchange, legs.account_id, legs.order_id
),

so_far as (
    select
        closing_legs.exchange,
        closing_legs.account_id,
        closing_legs.order_id,
        {{ leg_sums() }}
    from closing_legs
    inner join legs
        on
            closing_legs.episode_id = legs.episode_id
            and closing_legs.last_leg_no >= legs.leg_no
    group by closing_legs.exchange, closing_legs.account_id, closing_legs.order_id
),

placed as (
    select
        evidenced.*,
        closing_legs.episode_id,
        closing_legs.last_leg_no,
        -- An order that traded more than it closed met a position we did not see begin: a forced
        -- close opens nothing.
        case
            when evidenced.fills_qty_contracts > closing_legs.closed_qty_contracts then null
            else episodes.opened_at
        end as opened_at,
        coalesce(
            episodes.position_side,
            nullif(evidenced.position_slot, 'net'),
            if(evidenced.order_side = 'sell', 'long', 'short')
        ) as position_side,
        closing_legs.closed_qty_contracts,
        so_far.peak_qty_contracts,
        so_far.opened_qty_contracts,
        so_far.opening_fee,
        so_far.opened_price_qty,
        closing_legs.contract_size
    from evidenced
    left join closing_legs using (exchange, account_id, order_id)
    left join so_far using (exchange, account_id, order_id)
    left join episodes on closing_legs.episode_id = episodes.episode_id
)

select * from placed
