-- Exported for a claim: the accounts insured in its asset that were not read around its opening,
-- its own left out.
with

unread as (
    select * from {{ ref('int_accounts__unread') }}
),

brought as (
    select * from {{ ref('stg_evidence__unread_accounts') }}
),

unioned as (
    select * from unread
    union by name
    select * from brought
)

select * from unioned
