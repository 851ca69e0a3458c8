-- Only a close the venue itself marked as forced is paid; what the client called it is no proof.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

checked as (
    select
        claim_id,
        'FORCED_KIND' as check_code,
        {{ check_result('is_covered_kind', 'forced_kind is not null') }} as result,
        forced_kind is not null as is_applicable,
        coalesce(forced_kind, 'no marker') as observed,
        replace(covered_kinds, '|', ', ') as expected,
        {{ evidence_ids('reply_hashes') }} as evidence_ids
    from claims
)

select * from checked
