with

source as (
    select * from {{ source('chain', 'fetch_windows') }}
),

renamed as (
    select
        chain_id,
        lower(pool) as pool,
        {{ to_time('window_from_ms') }} as window_from_at,
        {{ to_time('window_to_ms') }} as window_to_at,
        from_block,
        to_block,
        head_block,
        is_complete,
        {{ to_time('fetched_at_ms') }} as fetched_at
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(
        ['chain_id', 'pool', 'window_from_at'],
        ['fetched_at desc', 'is_complete', 'to_block']
    ) }}
)

select * from deduplicated
