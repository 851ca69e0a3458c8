with

movements as (
    select * from {{ ref('int_pool_movements__balanced') }}
)

select * from movements
