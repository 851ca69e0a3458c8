-- Play money is not insured. A key the venue itself calls a demo key can never bring evidence, so
-- this answer does not wait for any.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

checked as (
    select
        claim_id,
        'LIVE_ENV' as check_code,
        {{ check_result("environment = 'live'", 'environment is not null') }} as result,
        environment is not null as is_applicable,
        coalesce(environment, 'unknown') as observed,
        'live' as expected,
        coalesce('reply:' || config_reply_sha256, '') as evidence_ids
    from claims
)

select * from checked
