{#- Reply hashes as the evidence ids of a check. -#}
{%- macro evidence_ids(hashes) -%}
    array_to_string(
        list_transform(
            list_sort(list_distinct(coalesce({{ hashes }}, []))), lambda hash: 'reply:' || hash
        ),
        ','
    )
{%- endmacro -%}

{#- A takeover is reported as a full liquidation by the sources that do not tell them apart. -#}
{%- macro base_kind(kind) -%}
    if({{ kind }} = 'takeover', 'full', {{ kind }})
{%- endmacro -%}

{#- Whether a product's leverages (`20|30|40` or `1-125`) contain one. -#}
{%- macro leverage_is_sold(leverage, leverages) -%}
    case
        when contains({{ leverages }}, '-')
            then {{ leverage }}
            between cast(split_part({{ leverages }}, '-', 1) as integer)
            and cast(split_part({{ leverages }}, '-', 2) as integer)
        else list_contains(string_split({{ leverages }}, '|'), cast({{ leverage }} as varchar))
    end
{%- endmacro -%}
