-- The newest valuation, beside what the books say.
with

valuations as (
    select *
    from {{ ref('fct_fund_valuations') }}
    where is_newest_of_its_instant
    order by valued_at desc
    limit 1
),

balances as (
    select
        cast(sum(amount_micro_usdc) filter (where account = 'pool:cash') as bigint)
            as ledger_cash_micro_usdc
    from {{ ref('fct_ledger_entries') }}
),

movements as (
    select cast(coalesce(sum(amount_micro_usdc), 0) as bigint) as chain_cash_micro_usdc
    from {{ ref('fct_pool_movements') }}
),

joined as (
    select
        valuations.* exclude (details, inputs_hash, seed, is_newest_of_its_instant),
        greatest(valuations.ibnr_cl_micro_usdc, valuations.ibnr_bf_micro_usdc)
            as ibnr_micro_usdc,
        cast(
            json_extract(valuations.details, '$.expected_payout_1d_micro_usdc') as bigint
        ) as expected_payout_1d_micro_usdc,
        cast(json_extract(valuations.details, '$.sum_at_risk_micro_usdc') as bigint)
            as sum_at_risk_micro_usdc,
        cast(json_extract(valuations.details, '$.policies_at_risk') as bigint)
            as policies_at_risk,
        cast(json_extract(valuations.details, '$.solvency_ratio_10d_ppm') as bigint)
            as solvency_ratio_10d_ppm,
        balances.ledger_cash_micro_usdc,
        movements.chain_cash_micro_usdc
    from valuations
    cross join balances
    cross join movements
)

select * from joined
