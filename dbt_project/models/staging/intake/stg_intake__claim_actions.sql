with

source as (
    select * from {{ source('intake', 'claim_actions') }}
),

renamed as (
    select
        action_id,
        claim_id,
        action,
        actor,
        review_id,
        covers,
        lower(evidence_root) as evidence_root,
        {{ to_time('acted_at_ms') }} as acted_at,
        {{ to_time('created_at_ms') }} as created_at
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['action_id'], ['created_at desc', 'acted_at']) }}
)

select * from deduplicated
