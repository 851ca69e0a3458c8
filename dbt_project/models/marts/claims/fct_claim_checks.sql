with

checks as (
    select * from {{ ref('int_claim_checks__ordered') }}
)

select * from checks
