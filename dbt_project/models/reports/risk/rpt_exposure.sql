-- The book in force now, by venue, symbol, side of the position opened under it and leverage.
with

covers as (
    select * from {{ ref('fct_covers') }} where is_in_force
),

now as (
    select max(as_of_at) as as_of_at from {{ ref('dim_days') }}
),

placed as (
    select
        covers.*,
        case
            when epoch(covers.cover_end_at) - epoch(now.as_of_at) < 3600 then '1 under 1 h'
            when epoch(covers.cover_end_at) - epoch(now.as_of_at) < 6 * 3600 then '2 1 h to 6 h'
            when epoch(covers.cover_end_at) - epoch(now.as_of_at) < 12 * 3600 then '3 6 h to 12 h'
            else '4 over 12 h'
        end as time_left
    from covers
    cross join now
),

summed as (
    select
        exchange,
        inst_id,
        base_asset,
        position_side,
        leverage,
        product_version,
        time_left,
        count(*) as policy_count,
        count(*) filter (where is_position_open) as open_count,
        cast(sum(sum_at_risk_micro_usdc) as bigint) as sum_at_risk_micro_usdc,
        cast(sum(principal_micro_usdc) as bigint) as principal_micro_usdc,
        cast(
            coalesce(sum(notional_micro_usdc) filter (where is_position_open), 0) as bigint
        ) as notional_micro_usdc
    from placed
    group by all
)

select * from summed
