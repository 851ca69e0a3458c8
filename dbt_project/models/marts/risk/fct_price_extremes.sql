with

hours as (
    select * from {{ ref('int_price_hours__summed') }}
),

{% for hours in [8, 24] -%}
    reached_{{ hours }} as (
        select
            base_asset,
            known_at,
            close_price,
            {{ hours }} as cover_hours,
            min(low_price) over cover as low_price,
            max(high_price) over cover as high_price,
            count(*) over cover as hours_seen
        from hours
        window
            cover as (
                partition by base_asset order by known_at
                range between interval 1 hour following and interval {{ hours }} hours following
            )
    ),

{% endfor -%}
reached as (
    select * from reached_8

    union all

    select * from reached_24
),

measured as (
    select
        base_asset,
        known_at,
        cover_hours,
        cast(1e9 * greatest(ln(close_price) - ln(low_price), 0) as bigint) as fell_ppb,
        cast(1e9 * greatest(ln(high_price) - ln(close_price), 0) as bigint) as rose_ppb
    from reached
    where hours_seen = cover_hours
)

select * from measured
