with

source as (
    select * from {{ source('intake', 'endorsements') }}
),

renamed as (
    select
        endorsement_id,
        lower(policy_id) as policy_id,
        endorsement_no,
        account_id,
        inst_id,
        leverage,
        lower(signer) as signer,
        {{ to_time('effective_at_ms') }} as effective_at,
        {{ to_time('created_at_ms') }} as created_at
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['endorsement_id'], ['created_at desc', 'endorsement_no']) }}
)

select * from deduplicated
