with

source as (
    select * from {{ source('evidence', 'party_liquidations') }}
),

selected as (
    select
        position_key,
        party_key,
        liquidated_at_ms
    from source
),

deduplicated as (
    select *
    from selected
    {{ latest_by(['position_key', 'party_key'], ['liquidated_at_ms']) }}
)

select * from deduplicated
