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
        exchange,
        account_id,
        order_id,
        max(episode_id) as episode_id,
        max(leg_no) as last_leg_no,
        sum(leg_qty_contracts) as closed_qty_contracts,
        arg_max(peak_qty_contracts, leg_no) as peak_qty_contracts,
        arg_max(opened_qty_contracts, leg_no) as opened_qty_contracts,
        arg_max(opening_fee, leg_no) as opening_fee,
        arg_max(opened_price_qty, leg_no) as opened_price_qty,
        arg_max(contract_size, leg_no) as contract_size
    from legs
    where leg_kind = 'close'
    group by exchange, account_id, order_id
),

placed as (
    select
        evidenced.*,
        closing_legs.episode_id,
        closing_legs.last_leg_no,
        episodes.opened_at,
        coalesce(
            episodes.position_side,
            nullif(evidenced.position_slot, 'net'),
            if(evidenced.order_side = 'sell', 'long', 'short')
        ) as position_side,
        closing_legs.closed_qty_contracts,
        closing_legs.peak_qty_contracts,
        closing_legs.opened_qty_contracts,
        closing_legs.opening_fee,
        closing_legs.opened_price_qty,
        closing_legs.contract_size
    from evidenced
    left join closing_legs using (exchange, account_id, order_id)
    left join episodes on closing_legs.episode_id = episodes.episode_id
)

select * from placed
