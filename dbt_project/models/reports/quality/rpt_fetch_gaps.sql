with

days as (
    select * from {{ ref('fct_fetch_days') }}
),

summed as (
    select
        source_name,
        window_date,
        gap_reason,
        cast(sum(window_count) as bigint) as window_count,
        cast(sum(complete_count) as bigint) as complete_count,
        cast(sum(window_count - complete_count) as bigint) as gap_count
    from days
    group by source_name, window_date, gap_reason
)

select * from summed
