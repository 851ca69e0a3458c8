with

movements as (
    select * from {{ ref('fct_pool_movements') }}
),

summed as (
    select
        chain_id,
        cast(moved_at as date) as moved_date,
        kind,
        count(*) as movement_count,
        cast(sum(amount_micro_usdc) as bigint) as amount_micro_usdc
    from movements
    group by chain_id, moved_date, kind
)

select * from summed
