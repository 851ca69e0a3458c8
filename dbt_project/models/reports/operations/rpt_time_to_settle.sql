with

claims as (
    select * from {{ ref('rpt_claims') }}
),

stages as (
    select
        unnest(
            [
                '1 notified to decided',
                '2 decided to paid',
                '3 notified to paid',
                '4 liquidated to paid'
            ]
        ) as stage,  -- noqa: RF04
        unnest([1, 2, 3, 4]) as stage_order
),

timed as (
    select
        stages.stage,
        case stages.stage_order
            when 1 then claims.seconds_to_decide
            when 2 then claims.seconds_to_pay - claims.seconds_to_decide
            when 3 then claims.seconds_to_pay
            else claims.seconds_from_liquidation
        end as stage_seconds
    from claims
    cross join stages
),

ranked as (
    select
        stage,
        count(stage_seconds) as claim_count,
        cast(quantile_disc(stage_seconds, 0.5) as bigint) as p50_seconds,
        cast(quantile_disc(stage_seconds, 0.9) as bigint) as p90_seconds,
        cast(quantile_disc(stage_seconds, 0.99) as bigint) as p99_seconds
    from timed
    where stage_seconds is not null
    group by stage
)

select * from ranked
