with

checks as (
    select * from {{ ref('stg_quality__checks') }}
)

select * from checks
