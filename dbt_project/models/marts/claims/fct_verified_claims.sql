with

claims as (
    select * from {{ ref('fct_claims') }}
),

verified as (
    select * from claims where verdict = 'verified'
)

select * from verified
