with

claims as (
    select * from {{ ref('fct_claims') }}
),

rejected as (
    select * from claims where verdict = 'rejected'
)

select * from rejected
