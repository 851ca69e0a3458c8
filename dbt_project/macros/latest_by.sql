{#- Keeps one row a key: the latest correction wins. `newest` must order completely. -#}
{%- macro latest_by(keys, newest) -%}
    qualify row_number() over (partition by {{ keys | join(', ') }} order by {{ newest | join(', ') }}) = 1
{%- endmacro -%}
