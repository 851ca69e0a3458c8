{#- Epoch milliseconds to a point in time. -#}
{%- macro to_time(epoch_ms) -%}
    make_timestamptz(cast({{ epoch_ms }} as bigint) * 1000)
{%- endmacro -%}

{#- Hours that touch the closed interval between two instants, as a list. -#}
{%- macro hours_touched(first_at, last_at) -%}
    generate_series(
        date_trunc('hour', {{ first_at }}), date_trunc('hour', {{ last_at }}), interval '1 hour'
    )
{%- endmacro -%}

{#- Starts of the minutes that touch the closed interval between two instants, as a list. -#}
{%- macro minutes_touched(first_at, last_at) -%}
    generate_series(date_trunc('minute', {{ first_at }}), {{ last_at }}, interval '1 minute')
{%- endmacro -%}

{#- The instant a build speaks of; far ahead where none is given. -#}
{%- macro as_of() -%}
    {{ to_time(env_var('LEVERAGEGUARD_AS_OF_MS', '4102444800000')) }}
{%- endmacro -%}
