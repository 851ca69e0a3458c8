{#- Fills as the legs of positions. A position runs flat to flat in one slot (long, short or net) of
    one instrument; a fill that turns a net position around is two legs: it closes one episode and
    opens the next. `fills` names a CTE of int_fills__sized's columns; the legs are `named`. -#}
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
missing as (
    select
        exchange,
        account_id,
        inst_id,
        position_slot,
        case position_slot
            when 'long' then greatest(-min(seen_after), 0)
            else least(-max(seen_after), 0)
        end as held_first
    from running
    where position_slot in ('long', 'short')
    group by exchange, account_id, inst_id, position_slot
),

bracketed as (
    select
        running.*,
        running.seen_after + coalesce(missing.held_first, 0) as held_after,
        held_after - running.signed_qty_contracts as held_before
    from running
    left join missing using (exchange, account_id, inst_id, position_slot)
),

legs as (
    select
        *,
        'close' as leg_kind,
        1 as leg_order,
        held_before > 0 as is_long,
        least(abs(held_before), abs(signed_qty_contracts)) as leg_qty_contracts,
        greatest(abs(held_before) - abs(signed_qty_contracts), 0) as leg_held_after,
        false as is_start
    from bracketed
    where
        held_before > 0 and signed_qty_contracts < 0
        or held_before < 0 and signed_qty_contracts > 0

    union all

    select
        *,
        'open' as leg_kind,
        2 as leg_order,
        held_after > 0 as is_long,
        least(abs(held_after), abs(signed_qty_contracts)) as leg_qty_contracts,
        abs(held_after) as leg_held_after,
        if(held_after > 0, held_before <= 0, held_before >= 0) as is_start
    from bracketed
    where
        held_after > 0 and signed_qty_contracts > 0
        or held_after < 0 and signed_qty_contracts < 0
),

numbered as (
    select
        *,
        row_number() over in_time as leg_no,
        count(*) filter (where is_start) over in_time as episode_no
    from legs
    window in_time as (
        partition by exchange, account_id, inst_id, position_slot
        order by filled_at, length(fill_id), fill_id, leg_order
        rows unbounded preceding
    )
),

-- Named by the fill that opened it: a number would change with how far the evidence reaches.
started as (
    select
        exchange,
        account_id,
        inst_id,
        position_slot,
        episode_no,
        concat_ws(':', exchange, account_id, inst_id, position_slot, fill_id) as episode_id
    from numbered
    where is_start
),

named as (
    select
        numbered.exchange,
        numbered.account_id,
        numbered.inst_id,
        numbered.position_slot,
        if(numbered.is_long, 'long', 'short') as position_side,
        coalesce(
            started.episode_id,
            concat_ws(
                ':',
                numbered.exchange,
                numbered.account_id,
                numbered.inst_id,
                numbered.position_slot,
                'unopened'
            )
        ) as episode_id,
        numbered.episode_no,
        numbered.leg_no,
        numbered.leg_kind,
        numbered.is_start,
        numbered.order_id,
        numbered.fill_id,
        numbered.filled_at,
        numbered.price,
        numbered.leg_qty_contracts,
        numbered.leg_held_after,
        numbered.contract_size,
        if(numbered.leg_kind = 'open', coalesce(numbered.fee, 0), 0) as opening_fee,
        -- A fill that closes one episode and opens the next brings each its part.
        if(
            numbered.leg_qty_contracts = abs(numbered.signed_qty_contracts),
            numbered.price_qty,
            {{ price_times('numbered.price', 'numbered.leg_qty_contracts') }}
        ) as leg_price_qty
    from numbered
    left join started using (exchange, account_id, inst_id, position_slot, episode_no)
)
{%- endmacro -%}
