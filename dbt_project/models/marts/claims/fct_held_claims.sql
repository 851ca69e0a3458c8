with

claims as (
    select * from {{ ref('fct_claims') }}
),

held as (
    select * from claims where hold_reasons <> ''
)

select * from held
