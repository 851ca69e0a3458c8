{#- Fills as the legs of positions. A position runs flat to flat in one slot (long, short or net) of
    one instrument; a fill that turns a net position around is two legs: it closes one episode and
    opens the next. `fills` names a CTE of int_fills__sized's columns; the legs are `accumulated`. -#}
{%- macro numbered_legs(fills) -%}
running as (
    select
        *,
        sum(signed_qty_contracts) over (
            partition by exchange, account_id, inst_id, position_slot
            order by filled_at, length(fill_id), fill_id
            rows unbounded preceding
        ) as seen_after
    from {{ fills }}
),

-- A long slot that sold more than it bought held something before the evidence begins.
balanced as (
    select
        *,
        seen_after + case position_slot
            when 'long' then greatest(-min(seen_after) over slot, 0)
            when 'short' then least(-max(seen_after) over slot, 0)
            else 0
        end as held_after
    from running
    window slot as (partition by exchange, account_id, inst_id, position_slot)
),

bracketed as (
    select
        *,
        held_after - signed_qty_contracts as held_before
    from balanced
),

legs as (
    select
        *,
        'close' as leg_kind,
        1 as leg_order,
        sign(held_before) as direction,
        least(abs(held_before), abs(signed_qty_contracts)) as leg_qty_contracts,
        greatest(abs(held_before) - abs(signed_qty_contracts), 0) as leg_held_after,
        false as is_start
    from bracketed
    where sign(held_before) * sign(signed_qty_contracts) < 0

    union all

    select
        *,
        'open' as leg_kind,
        2 as leg_order,
        sign(held_after) as direction,
        least(abs(held_after), abs(signed_qty_contracts)) as leg_qty_contracts,
        abs(held_after) as leg_held_after,
        sign(held_before) * sign(held_after) <= 0 as is_start
    from bracketed
    where sign(held_after) * sign(signed_qty_contracts) > 0
),

numbered as (
    select
        *,
        case when direction > 0 then 'long' else 'short' end as position_side,
        row_number() over in_time as leg_no,
        cast(sum(is_start::integer) over in_time as bigint) as episode_no
    from legs
    window in_time as (
        partition by exchange, account_id, inst_id, position_slot
        order by filled_at, length(fill_id), fill_id, leg_order
    )
),

accumulated as (
    select
        exchange,
        account_id,
        inst_id,
        position_slot,
        position_side,
        concat_ws(':', exchange, account_id, inst_id, position_slot, episode_no) as episode_id,
        episode_no,
        leg_no,
        leg_kind,
        is_start,
        order_id,
        fill_id,
        filled_at,
        price,
        leg_qty_contracts,
        leg_held_after,
        contract_size,
        max(leg_held_after + if(leg_kind = 'close', leg_qty_contracts, 0)) over so_far
            as peak_qty_contracts,
        sum(if(leg_kind = 'open', leg_qty_contracts, 0)) over so_far as opened_qty_contracts,
        sum(if(leg_kind = 'open', coalesce(fee, 0), 0)) over so_far as opening_fee,
        sum(
            if(leg_kind = 'open', cast(leg_qty_contracts as decimal(24, 8)), 0)
            * cast(price as decimal(24, 12))
        ) over so_far as opened_price_qty,
        sum(
            if(leg_kind = 'close', cast(leg_qty_contracts as decimal(24, 8)), 0)
            * cast(price as decimal(24, 12))
        ) over so_far as closed_price_qty
    from numbered
    window so_far as (
        partition by exchange, account_id, inst_id, position_slot, episode_no
        order by leg_no
        rows unbounded preceding
    )
)
{%- endmacro -%}
