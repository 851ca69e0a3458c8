with

days as (
    select * from {{ ref('fct_fetch_days') }}
),

now as (
    select max(as_of_at) as as_of_at from {{ ref('dim_days') }}
),

newest as (
    select
        source_name,
        endpoint,
        max(complete_to_at) as complete_to_at,
        max(fetched_at) as fetched_at
    from days
    group by source_name, endpoint
),

lagging as (
    select
        newest.*,
        cast(
            greatest(epoch(now.as_of_at) - epoch(newest.complete_to_at), 0) as bigint
        ) as lag_seconds
    from newest
    cross join now
)

select * from lagging
