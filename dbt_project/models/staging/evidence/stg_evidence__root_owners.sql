with

source as (
    select * from {{ source('evidence', 'root_owners') }}
),

selected as (
    select
        root_key,
        party_key,
        bound_at_ms
    from source
),

deduplicated as (
    select *
    from selected
    {{ latest_by(['root_key'], ['bound_at_ms', 'party_key']) }}
)

select * from deduplicated
