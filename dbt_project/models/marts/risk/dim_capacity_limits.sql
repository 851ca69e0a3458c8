with

limits as (
    select * from {{ ref('capacity_limits') }}
)

select * from limits
