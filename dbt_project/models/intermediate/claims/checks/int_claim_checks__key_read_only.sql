-- A key that can trade or withdraw puts the holder at our mercy; we refuse it and say so.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

checked as (
    select
        claim_id,
        'KEY_READ_ONLY' as check_code,
        {{ check_result('is_read_only', 'has_config') }} as result,
        has_config as is_applicable,
        coalesce('permissions ' || key_permissions, 'permissions unknown') as observed,
        'a key that can only read' as expected,
        coalesce('reply:' || config_reply_sha256, '') as evidence_ids
    from claims
)

select * from checked
