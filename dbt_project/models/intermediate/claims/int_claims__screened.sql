-- What every check says that asks nothing of other claims on the same liquidation, nor of the
-- amount: whether the claim may be paid at all, at once or after people have looked.
with

checks as (
    select * from {{ ref('int_claim_checks__unioned') }}
),

screened as (
    select
        claim_id,
        bool_and(result = 'pass' or (result = 'fail' and is_hold)) as is_contender
    from checks
    group by claim_id
)

select * from screened
