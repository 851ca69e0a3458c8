-- Of the claims on one liquidation that pass everything else one is paid: the one already planned,
-- else the first notified.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

checks as (
    select * from {{ ref('int_claim_checks__unioned') }}
),

planned as (
    select * from {{ ref('stg_settlement__payouts') }}
),

answered as (
    select
        claim_id,
        bool_and(result = 'pass') as is_contender
    from checks
    group by claim_id
),

ranked as (
    select
        claims.claim_id,
        claims.liquidation_event_id,
        answered.is_contender,
        planned.claim_id as planned_claim_id,
        first_value(claims.claim_id) over (
            partition by claims.liquidation_event_id
            order by not answered.is_contender, claims.notified_at, claims.claim_id
        ) as first_claim_id
    from claims
    inner join answered on claims.claim_id = answered.claim_id
    left join planned on claims.liquidation_event_id = planned.liquidation_event_id
),

checked as (
    select
        claim_id,
        'ONCE' as check_code,
        {{ check_result('claim_id = coalesce(planned_claim_id, first_claim_id)', 'is_contender') }}
            as result,
        is_contender as is_applicable,
        case
            when is_contender then 'paid on claim ' || coalesce(planned_claim_id, first_claim_id)
        end as observed,
        'no other claim on ' || coalesce(liquidation_event_id, 'the event') as expected,
        if(is_contender, 'claim:' || coalesce(planned_claim_id, first_claim_id), '') as evidence_ids
    from ranked
)

select * from checked
