-- Without complete evidence nothing is decided, but that a demo account is none of ours: its
-- evidence can never come. Then a failed check rejects, an open one waits, and one that failed for
-- review alone holds a claim that passes all others, until people have approved that very hold.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

reviews as (
    select * from {{ ref('int_claims__reviewed') }}
),

checks as (
    select
        checks.*,
        checks.result = 'fail' and not checks.is_hold as is_failed,
        checks.result = 'fail' and checks.is_hold as is_held,
        coalesce(list_contains(reviews.approved_codes, checks.check_code), false) as is_approved
    from {{ ref('int_claim_checks__ordered') }} as checks
    left join reviews on checks.claim_id = reviews.claim_id
),

counted as (
    select
        claim_id,
        bool_and(result = 'pass') filter (where check_code = 'EVIDENCE_COMPLETE') as is_complete,
        coalesce(bool_or(is_failed) filter (where check_code = 'LIVE_ENV'), false) as is_demo,
        bool_or(is_failed) as has_failed,
        bool_and(result = 'pass' or is_held) as has_passed_all,
        list(check_code order by check_order) filter (where is_failed) as failed_codes,
        list(check_code order by check_order) filter (where is_held and not is_approved)
            as held_codes,
        list(check_code order by check_order) filter (where is_held and is_approved)
            as released_codes,
        list(check_code order by check_order) filter (where result = 'unknown' and is_applicable)
            as open_codes
    from checks
    group by claim_id
),

decided as (
    select
        claims.*,
        case
            when not counted.is_complete and counted.is_demo then 'rejected'
            when not counted.is_complete then 'undetermined'
            when counted.has_failed then 'rejected'
            when counted.has_passed_all then 'verified'
            else 'undetermined'
        end as verdict,
        case
            when not counted.is_complete and counted.is_demo then ['LIVE_ENV']
            when not counted.is_complete then ['EVIDENCE_COMPLETE']
            when counted.has_failed then counted.failed_codes
            when counted.has_passed_all then []
            else counted.open_codes
        end as reason_codes,
        counted.is_complete and not counted.has_failed and counted.has_passed_all as is_verified,
        if(is_verified, coalesce(counted.held_codes, []), []) as hold_codes,
        if(is_verified, coalesce(counted.released_codes, []), []) as released_codes
    from claims
    inner join counted on claims.claim_id = counted.claim_id
)

select * from decided
