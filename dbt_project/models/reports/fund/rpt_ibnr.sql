-- Liquidations that were not notified yet, by the day they fell on: chain ladder and
-- Bornhuetter-Ferguson, as the newest valuation estimated them, beside what was notified. A claim
-- whose liquidation is not seen yet stands at its notice.
with

valuations as (
    select *
    from {{ ref('fct_fund_valuations') }}
    where is_newest_of_its_instant
    order by valued_at desc
    limit 1
),

claims as (
    select
        cast(coalesce(liquidated_at, notified_at) as date) as liquidated_date,
        count(*) as notified_count,
        cast(sum(paid_micro_usdc + coalesce(reserve_micro_usdc, 0)) as bigint)
            as notified_micro_usdc,
        cast(sum(paid_micro_usdc) as bigint) as paid_micro_usdc
    from {{ ref('fct_claims') }}
    group by liquidated_date
),

estimates as (
    select
        unnest(json_keys(json_extract(details, '$.ibnr_by_day'))) as epoch_day,
        json_extract(details, '$.ibnr_by_day') as ibnr_by_day
    from valuations
),

estimated as (
    select
        cast(to_timestamp(86400 * cast(epoch_day as bigint)) as date) as liquidated_date,
        cast(
            json_extract(ibnr_by_day, '$."' || epoch_day || '"[0]') as bigint
        ) as ibnr_cl_micro_usdc,
        cast(
            json_extract(ibnr_by_day, '$."' || epoch_day || '"[1]') as bigint
        ) as ibnr_bf_micro_usdc
    from estimates
),

joined as (
    select
        coalesce(claims.liquidated_date, estimated.liquidated_date) as liquidated_date,
        coalesce(claims.notified_count, 0) as notified_count,
        coalesce(claims.notified_micro_usdc, 0) as notified_micro_usdc,
        coalesce(claims.paid_micro_usdc, 0) as paid_micro_usdc,
        coalesce(estimated.ibnr_cl_micro_usdc, 0) as ibnr_cl_micro_usdc,
        coalesce(estimated.ibnr_bf_micro_usdc, 0) as ibnr_bf_micro_usdc
    from claims
    full outer join estimated on claims.liquidated_date = estimated.liquidated_date
)

select * from joined
