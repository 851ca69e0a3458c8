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
