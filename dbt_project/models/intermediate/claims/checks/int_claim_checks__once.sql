-- Of the claims on one liquidation that pass everything else, or wait for review alone, one is
-- paid: the one already planned, else the first notified.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

rivals as (
    select * from {{ ref('int_contexts__rival_claims') }}
),

firsts as (
    select *
    from rivals
    where is_planned or is_contender
    qualify row_number() over (
        partition by event_key order by is_planned desc, notified_at_ms asc, claim_id asc
    ) = 1
),

ranked as (
    select
        claims.claim_id,
        claims.liquidation_event_id,
        coalesce(own.is_contender, false) as is_contender,
        firsts.claim_id as first_claim_id
    from claims
    left join rivals as own
        on claims.event_key = own.event_key and claims.claim_id = own.claim_id
    left join firsts on claims.event_key = firsts.event_key
),

checked as (
    select
        claim_id,
        'ONCE' as check_code,
        {{ check_result('claim_id = first_claim_id', 'is_contender') }} as result,
        is_contender as is_applicable,
        case when is_contender then 'paid on claim ' || first_claim_id end as observed,
        'no other claim on ' || coalesce(liquidation_event_id, 'the event') as expected,
        if(is_contender, 'claim:' || first_claim_id, '') as evidence_ids
    from ranked
)

select * from checked
