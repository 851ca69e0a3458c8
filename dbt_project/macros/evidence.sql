{#- Text a venue left empty is text it did not say. -#}
{%- macro said(text) -%}
    nullif({{ text }}, '')
{%- endmacro -%}

{#- The one kind a group of rows says; `mixed` when they contradict each other, null when none says. -#}
{%- macro agreed_kind(kind) -%}
    case
        when count(distinct {{ base_kind(kind) }}) > 1 then 'mixed'
        when bool_or({{ kind }} = 'takeover') then 'takeover'
        else max({{ kind }})
    end
{%- endmacro -%}

{#- A sum that counts only when every row states its part. -#}
{%- macro whole_sum(amount, condition='true') -%}
    case
        when count(*) filter (where {{ condition }})
            = count({{ amount }}) filter (where {{ condition }})
            then sum({{ amount }}) filter (where {{ condition }})
    end
{%- endmacro -%}

{#- Ids of what people did as the evidence ids of a check. -#}
{%- macro action_ids(ids) -%}
    array_to_string(list_transform(coalesce({{ ids }}, []), lambda id: 'action:' || id), ',')
{%- endmacro -%}
