-- What the book in force would cost on four days of the past, as the newest valuation worked out.
with

valuations as (
    select *
    from {{ ref('fct_fund_valuations') }}
    where is_newest_of_its_instant
    order by valued_at desc
    limit 1
),

stresses as (
    select
        valued_at,
        own_funds_micro_usdc,
        unnest(json_keys(json_extract(details, '$.stress_payouts_micro_usdc'))) as stress_day,
        json_extract(details, '$.stress_payouts_micro_usdc') as losses
    from valuations
),

measured as (
    select
        stress_day,
        cast(json_extract(losses, '$."' || stress_day || '"') as bigint) as loss_micro_usdc,
        own_funds_micro_usdc,
        valued_at
    from stresses
)

select * from measured
