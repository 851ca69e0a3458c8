with

windows as (
    select
        exchange as source_name,
        endpoint,
        window_from_at,
        window_to_at,
        fetched_at,
        is_complete,
        is_refused,
        gap_reason
    from {{ ref('stg_exchanges__fetch_windows') }}

    union all

    select
        'chain ' || chain_id as source_name,
        'pool' as endpoint,
        window_from_at,
        window_to_at,
        fetched_at,
        is_complete,
        false as is_refused,
        if(is_complete, null, 'blocks not read to the end') as gap_reason
    from {{ ref('stg_chain__fetch_windows') }}
),

-- A venue's answer names keys and times; what stands before its first brace is the reason.
reasoned as (
    select
        * exclude (gap_reason),
        if(is_complete, null, trim(split_part(coalesce(gap_reason, 'unknown'), '{', 1)))
            as gap_reason
    from windows
),

summed as (
    select
        source_name,
        endpoint,
        cast(window_from_at as date) as window_date,
        coalesce(gap_reason, '') as gap_reason,
        count(*) as window_count,
        count(*) filter (where is_complete) as complete_count,
        count(*) filter (where is_refused) as refused_count,
        max(window_to_at) filter (where is_complete) as complete_to_at,
        max(fetched_at) as fetched_at
    from reasoned
    group by source_name, endpoint, window_date, coalesce(gap_reason, '')
)

select * from summed
