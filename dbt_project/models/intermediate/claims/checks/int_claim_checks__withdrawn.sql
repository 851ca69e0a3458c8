-- A withdrawal is not taken back: nothing is paid on the claim.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

reviews as (
    select * from {{ ref('int_claims__reviewed') }}
),

limits as (
    {{ thresholds() }}
),

checked as (
    select
        claims.claim_id,
        'WITHDRAWN' as check_code,
        {{ check_result('not coalesce(reviews.is_withdrawn, false)', 'true') }} as result,
        true as is_applicable,
        if(reviews.is_withdrawn, 'withdrawn by its holder', 'not withdrawn') as observed,
        'not withdrawn' as expected,
        if(reviews.is_withdrawn, {{ action_ids('reviews.action_ids') }}, '') as evidence_ids
    from claims
    cross join limits
    left join reviews on claims.claim_id = reviews.claim_id
    -- Earlier rules knew no word of a holder or a person.
    where limits.approvals_needed is not null
)

select * from checked
