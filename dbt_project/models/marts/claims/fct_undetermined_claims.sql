with

claims as (
    select * from {{ ref('fct_claims') }}
),

undetermined as (
    select * from claims where verdict = 'undetermined'
)

select * from undetermined
