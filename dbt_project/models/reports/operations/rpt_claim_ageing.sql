with

claims as (
    select * from {{ ref('rpt_claims') }} where is_open
),

counted as (
    select
        age_bucket,
        claim_state,
        verdict,
        count(*) as claim_count,
        cast(sum(reserve_micro_usdc) as bigint) as reserve_micro_usdc,
        max(age_seconds) as oldest_seconds
    from claims
    group by age_bucket, claim_state, verdict
)

select * from counted
