{#- Pseudonyms under which one claim's package speaks of others. -#}
{%- macro pseudonym(text) -%}
    sha256({{ text }})
{%- endmacro -%}

{#- The kinds of close that count as a liquidation whatever the product. -#}
{%- macro is_liquidation(kind) -%}
    {{ kind }} in ('full', 'partial', 'takeover')
{%- endmacro -%}
