-- The probable maximum loss of the book in force by how far every price moves at once, as the
-- newest valuation worked it out.
with

valuations as (
    select *
    from {{ ref('fct_fund_valuations') }}
    where is_newest_of_its_instant
    order by valued_at desc
    limit 1
),

ladders as (
    select
        valued_at,
        own_funds_micro_usdc,
        json_extract(details, '$.ladder_micro_usdc') as ladder
    from valuations
),

rungs as (
    select
        valued_at,
        own_funds_micro_usdc,
        unnest(json_keys(ladder)) as move,  -- noqa: RF04
        ladder
    from ladders
),

measured as (
    select
        move,
        cast(replace(replace(move, '%', ''), '+', '') as integer) as move_percent,
        cast(json_extract(ladder, '$."' || move || '"') as bigint) as loss_micro_usdc,
        own_funds_micro_usdc,
        valued_at
    from rungs
)

select * from measured
