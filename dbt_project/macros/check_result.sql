{#- pass, fail or unknown: unknown where the premise is missing or the condition has no answer. -#}
{%- macro check_result(condition, premise='true') -%}
    case
        when not coalesce({{ premise }}, false) then 'unknown'
        when {{ condition }} then 'pass'
        when not ({{ condition }}) then 'fail'
        else 'unknown'
    end
{%- endmacro -%}

{#- The thresholds in force, one row. -#}
{%- macro thresholds() -%}
    select * from {{ ref('check_thresholds') }} where rules_version = '{{ var("rules_version") }}'
{%- endmacro -%}
