with

source as (
    select * from {{ source('intake', 'claims') }}
),

renamed as (
    select
        filing_id,
        reference,
        lower(policy_id) as policy_id,
        lower(claimed_by) as claimed_by,
        inst_id,
        order_id,
        {{ to_time('filed_at_ms') }} as filed_at,
        {{ to_time('created_at_ms') }} as created_at
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['filing_id'], ['created_at desc', 'reference']) }}
)

select * from deduplicated
