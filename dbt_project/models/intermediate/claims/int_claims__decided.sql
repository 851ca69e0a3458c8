-- Without complete evidence nothing is decided; then a failed check rejects, an open one waits.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

checks as (
    select * from {{ ref('int_claim_checks__ordered') }}
),

counted as (
    select
        claim_id,
        bool_and(result = 'pass') filter (where check_code = 'EVIDENCE_COMPLETE') as is_complete,
        bool_or(result = 'fail') as has_failed,
        bool_and(result = 'pass') as has_passed_all,
        list(check_code order by check_order) filter (where result = 'fail') as failed_codes,
        list(check_code order by check_order) filter (where result = 'unknown' and is_applicable)
            as open_codes
    from checks
    group by claim_id
),

decided as (
    select
        claims.*,
        case
            when not counted.is_complete then 'undetermined'
            when counted.has_failed then 'rejected'
            when counted.has_passed_all then 'verified'
            else 'undetermined'
        end as verdict,
        case
            when not counted.is_complete then ['EVIDENCE_COMPLETE']
            when counted.has_failed then counted.failed_codes
            when counted.has_passed_all then []
            else counted.open_codes
        end as reason_codes
    from claims
    inner join counted on claims.claim_id = counted.claim_id
)

select * from decided
