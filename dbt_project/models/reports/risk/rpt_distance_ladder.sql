-- Positions open under a cover, by how far their mark price is from liquidation.
with

covers as (
    select *
    from {{ ref('fct_covers') }}
    where is_in_force and is_position_open and distance_ppm is not null
),

binned as (
    select
        *,
        case
            when distance_ppm < 5000 then '1 under 0.5 %'
            when distance_ppm < 10000 then '2 0.5-1 %'
            when distance_ppm < 20000 then '3 1-2 %'
            when distance_ppm < 30000 then '4 2-3 %'
            when distance_ppm < 50000 then '5 3-5 %'
            when distance_ppm < 100000 then '6 5-10 %'
            else '7 over 10 %'
        end as distance_bin
    from covers
),

summed as (
    select
        distance_bin,
        leverage,
        position_side,
        inst_id,
        count(*) as cover_count,
        cast(sum(sum_at_risk_micro_usdc) as bigint) as sum_at_risk_micro_usdc
    from binned
    group by distance_bin, leverage, position_side, inst_id
)

select * from summed
