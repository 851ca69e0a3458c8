with

source as (
    select * from {{ source('lifecycle', 'policy_txns') }}
),

renamed as (
    select
        lower(policy_id) as policy_id,
        txn_no,
        from_state,
        to_state,
        actor,
        rule_id,
        inputs_hash,
        detail,
        {{ to_time('at_ms') }} as moved_at,
        {{ to_time('recorded_at_ms') }} as recorded_at
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['policy_id', 'txn_no'], ['recorded_at desc', 'inputs_hash']) }}
)

select * from deduplicated
