-- A person's reject stands until the holder appeals; then others look once more. What people said
-- stands in the row, so that whoever reads the evidence sees every word that counted.
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
        'REVIEW' as check_code,
        coalesce(reviews.is_appealed, false) as is_hold,
        {{ check_result(
            'not coalesce(reviews.is_rejected or reviews.is_appealed, false)', 'true'
        ) }} as result,
        true as is_applicable,
        coalesce(reviews.said, 'nobody said anything') as observed,
        'no reject; after an appeal ' || limits.approvals_needed || ' approvals' as expected,
        {{ action_ids('reviews.action_ids') }} as evidence_ids
    from claims
    cross join limits
    left join reviews on claims.claim_id = reviews.claim_id
    where limits.approvals_needed is not null
)

select * from checked
