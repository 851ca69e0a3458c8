with

quarantined as (
    select * from {{ ref('fct_quarantine') }}
),

summed as (
    select
        raw_table,
        coalesce(exchange, '') as exchange,
        broken_rules,
        any_value(reason) as reason,
        cast(quarantined_at as date) as quarantine_date,
        count(*) as row_count,
        min(quarantined_at) as first_quarantined_at,
        max(quarantined_at) as last_quarantined_at
    from quarantined
    group by raw_table, coalesce(exchange, ''), broken_rules, quarantine_date
)

select * from summed
