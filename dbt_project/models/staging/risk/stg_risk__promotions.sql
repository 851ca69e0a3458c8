with

source as (
    select * from {{ source('risk', 'promotions') }}
),

renamed as (
    select
        promotion_id,
        model_version,
        replaced,
        promoted_by,
        why,
        {{ to_time('promoted_at_ms') }} as promoted_at
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['promotion_id'], ['promoted_at desc']) }}
)

select * from deduplicated
