{#- The sums of a group of one episode's legs. -#}
{%- macro leg_sums() -%}
    max(leg_held_after + if(leg_kind = 'close', leg_qty_contracts, 0)) as peak_qty_contracts,
    coalesce(sum(leg_qty_contracts) filter (where leg_kind = 'open'), 0) as opened_qty_contracts,
    sum(opening_fee) as opening_fee,
    coalesce(sum(leg_price_qty) filter (where leg_kind = 'open'), 0) as opened_price_qty,
    coalesce(sum(leg_price_qty) filter (where leg_kind = 'close'), 0) as closed_price_qty
{%- endmacro -%}

{#- Legs as one row an episode; `legs` names a CTE of numbered legs. -#}
{%- macro assembled_episodes(legs) -%}
    select
        episode_id,
        any_value(exchange) as exchange,
        any_value(account_id) as account_id,
        any_value(inst_id) as inst_id,
        any_value(position_side) as position_side,
        -- Null when the opening lies before the evidence: no verdict may rest on such an episode.
        min(filled_at) filter (where is_start) as opened_at,
        case when arg_max(leg_held_after, leg_no) = 0 then max(filled_at) end as closed_at,
        sum(leg_qty_contracts) filter (where leg_kind = 'close') as closed_qty_contracts,
        arg_max(contract_size, leg_no) as contract_size,
        {{ leg_sums() }}
    from {{ legs }}
    group by episode_id
{%- endmacro -%}
