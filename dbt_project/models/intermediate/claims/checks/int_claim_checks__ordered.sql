with

before_once as (
    select * from {{ ref('int_claim_checks__unioned') }}
),

once as (
    select * from {{ ref('int_claim_checks__once') }}
),

unioned as (
    select * from before_once
    union all by name
    select * from once
),

ordered as (
    select
        claim_id,
        check_code,
        list_position(
            [
                'EVIDENCE_COMPLETE', 'ORDER_EXISTS', 'ACCOUNT_BOUND', 'FORCED_KIND',
                'SOURCES_AGREE', 'IN_COVER', 'TERMS', 'PRICE_TOUCHED', 'LOSS_CONSISTENT', 'ONCE'
            ],
            check_code
        ) as check_order,
        result,
        is_applicable,
        observed,
        expected,
        evidence_ids
    from unioned
)

select * from ordered
