{#- Keeps the latest reading of each fill. -#}
{%- macro latest_fill(fills) -%}
    {{ latest_by(
        [fills ~ '.exchange', fills ~ '.account_id', fills ~ '.fill_id'],
        [fills ~ '.filled_at desc', fills ~ '.reply_sha256 desc']
    ) }}
{%- endmacro -%}

{#- Fills of staging with their numbers cast and their slot found. `fills` and `orders` name CTEs. -#}
{%- macro cast_fills(fills, orders) -%}
    select
        {{ fills }}.* replace (
            coalesce({{ fills }}.position_slot, {{ orders }}.position_slot, 'net') as position_slot,
            {{ exact(fills ~ '.price') }} as price,
            {{ exact(fills ~ '.qty_contracts') }} as qty_contracts,
            {{ exact(fills ~ '.pnl') }} as pnl,
            {{ exact(fills ~ '.fee') }} as fee
        ),
        {{ exact_product(fills ~ '.price', fills ~ '.qty_contracts') }} as price_qty
    from {{ fills }}
    left join {{ orders }} using (exchange, account_id, order_id)
{%- endmacro -%}

{#- Fills with their signed quantity and the contract size valid then. `fills` and `instruments` name
    CTEs. -#}
{%- macro sized_fills(fills, instruments) -%}
    select
        {{ fills }}.*,
        {{ instruments }}.contract_size,
        case {{ fills }}.order_side
            when 'buy' then {{ fills }}.qty_contracts
            else -{{ fills }}.qty_contracts
        end as signed_qty_contracts
    from {{ fills }}
    left join {{ instruments }}
        on
            {{ fills }}.exchange = {{ instruments }}.exchange
            and {{ fills }}.inst_id = {{ instruments }}.inst_id
            and {{ fills }}.filled_at >= {{ instruments }}.valid_from_at
            and {{ fills }}.filled_at < {{ instruments }}.valid_to_at
{%- endmacro -%}
