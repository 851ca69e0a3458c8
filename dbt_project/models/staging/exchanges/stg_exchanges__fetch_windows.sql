with

source as (
    select * from {{ source('exchanges', 'fetch_windows') }}
),

renamed as (
    select
        exchange,
        account_id,
        endpoint,
        {{ to_time('window_from_ms') }} as window_from_at,
        {{ to_time('window_to_ms') }} as window_to_at,
        is_complete,
        gap_reason,
        coalesce(starts_with(gap_reason, 'auth:'), false) as is_refused,
        {{ to_time('fetched_at_ms') }} as fetched_at
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(
        ['exchange', 'account_id', 'endpoint', 'window_from_at'],
        ['fetched_at desc', 'is_complete', 'gap_reason']
    ) }}
)

select * from deduplicated
