with

source as (
    select * from {{ source('evidence', 'rival_claims') }}
),

selected as (
    select
        event_key,
        claim_id,
        notified_at_ms,
        is_contender,
        is_planned
    from source
),

deduplicated as (
    select *
    from selected
    {{ latest_by(['event_key', 'claim_id'], ['is_planned desc', 'is_contender desc']) }}
)

select * from deduplicated
