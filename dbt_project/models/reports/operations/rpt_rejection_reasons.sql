with

claims as (
    select * from {{ ref('fct_claims') }} where verdict <> 'verified'
),

reasoned as (
    select
        verdict,
        primary_reason,
        unnest(string_split(reasons, ',')) as reason_code
    from claims
),

counted as (
    select
        verdict,
        reason_code,
        count(*) as claim_count,
        count(*) filter (where reason_code = primary_reason) as primary_claim_count
    from reasoned
    group by verdict, reason_code
)

select * from counted
