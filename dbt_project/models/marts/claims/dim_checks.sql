with

checks as (
    select * from {{ ref('claim_checks') }}
)

select * from checks
