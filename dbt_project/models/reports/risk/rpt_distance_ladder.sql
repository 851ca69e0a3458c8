-- Positions open under a cover, by how far their mark price is from liquidation. Every rung is
-- there for every leverage that was sold, with nobody on it where that is so.
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

rungs as (
    select
        unnest(
            [
                '1 under 0.5 %',
                '2 0.5-1 %',
                '3 1-2 %',
                '4 2-3 %',
                '5 3-5 %',
                '6 5-10 %',
                '7 over 10 %'
            ]
        ) as distance_bin,
        leverage
    from (select distinct leverage from {{ ref('fct_covers') }}) as sold
),

empty_rungs as (
    select
        rungs.distance_bin,
        rungs.leverage,
        'none' as position_side,
        '-' as inst_id,
        0 as cover_count,
        cast(0 as bigint) as sum_at_risk_micro_usdc
    from rungs
    anti join binned
        on rungs.distance_bin = binned.distance_bin and rungs.leverage = binned.leverage
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
),

ladder as (
    select * from summed
    union all
    select * from empty_rungs
)

select * from ladder
