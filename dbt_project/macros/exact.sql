{#- Text of a venue that 18 digits hold: most of what venues say. -#}
{%- macro is_short(text) -%}
    regexp_full_match(cast({{ text }} as varchar), '-?[0-9]{1,9}([.][0-9]{1,8})?')
{%- endmacro -%}

{#- Text of a venue to an exact decimal; an empty text is "not said", never zero. Casting to 38 digits
    costs a hundred times what casting to 18 does, so plain short numbers take that way first. -#}
{%- macro exact(text) -%}
    case
        when {{ is_short(text) }}
            then cast(cast({{ text }} as decimal(18, 8)) as decimal(38, 18))
        else cast(nullif({{ text }}, '') as decimal(38, 18))
    end
{%- endmacro -%}

{#- Price times quantity, neither rounded; casting to fewer decimals costs most of it. -#}
{%- macro price_times(price, qty) -%}
    cast({{ qty }} as decimal(24, 8)) * cast({{ price }} as decimal(24, 12))
{%- endmacro -%}

{#- Price times quantity of texts; short ones take the quick way. -#}
{%- macro exact_product(price, qty) -%}
    case
        when {{ is_short(price) }} and {{ is_short(qty) }}
            then cast(
                cast(cast({{ price }} as decimal(18, 8)) as decimal(19, 8))
                * cast(cast({{ qty }} as decimal(18, 8)) as decimal(19, 8))
                as decimal(38, 20)
            )
        else {{ price_times('cast(' ~ price ~ ' as decimal(38, 18))', 'cast(' ~ qty ~ ' as decimal(38, 18))') }}
    end
{%- endmacro -%}

{#- A decimal as a whole number of 1e-18 units, so that it can be multiplied without rounding. -#}
{%- macro units(amount) -%}
    cast(replace(cast({{ amount }} as varchar), '.', '') as hugeint)
{%- endmacro -%}

{#- Whole micro-USDC as USDC for people; never read by a decision. -#}
{%- macro to_usdc(micro_usdc) -%}
    cast(cast({{ micro_usdc }} as decimal(20, 0)) * cast('0.000001' as decimal(6, 6)) as decimal(38, 6))
{%- endmacro -%}

{#- The least of several amounts, unknown when one is: least() would skip the missing limit. -#}
{%- macro lesser(amounts) -%}
    case
        when {% for amount in amounts %}{{ amount }} is not null{{ ' and ' if not loop.last }}{% endfor %}
            then least({{ amounts | join(', ') }})
    end
{%- endmacro -%}

{#- An amount, but nothing instead of less than nothing; unknown stays unknown. -#}
{%- macro at_least_zero(amount) -%}
    case when {{ amount }} is not null then greatest({{ amount }}, 0) end
{%- endmacro -%}

{#- A whole number of 1e-18 units as a decimal again; exact, because no arithmetic happens. -#}
{%- macro from_units(units) -%}
    cast(
        if({{ units }} < 0, '-', '')
        || cast(abs({{ units }}) // 1000000000000000000 as varchar)
        || '.'
        || lpad(cast(abs({{ units }}) % 1000000000000000000 as varchar), 18, '0')
        as decimal(38, 18)
    )
{%- endmacro -%}

{#- Price times contracts as an amount of the quote currency; null when out of all range. -#}
{%- macro notional(price_qty, contract_size) -%}
    cast(
        try_cast({{ price_qty }} as decimal(22, 10)) * try_cast({{ contract_size }} as decimal(16, 8))
        as decimal(38, 18)
    )
{%- endmacro -%}

{#- Contracts as a quantity of the base asset; null when out of all range. -#}
{%- macro base_qty(qty_contracts, contract_size) -%}
    cast(
        try_cast({{ qty_contracts }} as decimal(22, 10))
        * try_cast({{ contract_size }} as decimal(16, 8))
        as decimal(38, 18)
    )
{%- endmacro -%}

{#- A decimal as a whole number of 1e-8 units, cut off below: coarse enough for three factors. -#}
{%- macro coarse_units(amount) -%}
    ({{ units(amount) }} // 10000000000)
{%- endmacro -%}
