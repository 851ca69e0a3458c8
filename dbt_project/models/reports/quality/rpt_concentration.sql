-- Who the pool paid: the holders by what they got, and how much of all the first of them hold.
with

claims as (
    select * from {{ ref('fct_claims') }} where paid_micro_usdc > 0
),

holders as (
    select
        wallet,
        count(*) as claim_count,
        cast(sum(paid_micro_usdc) as bigint) as paid_micro_usdc
    from claims
    group by wallet
),

ranked as (
    select
        row_number() over (order by paid_micro_usdc desc, wallet asc) as place,
        wallet,
        claim_count,
        paid_micro_usdc
    from holders
),

cumulative as (
    select
        *,
        cast(
            sum(paid_micro_usdc) over (order by place rows unbounded preceding) as bigint
        ) as cumulative_paid_micro_usdc,
        cast(sum(paid_micro_usdc) over () as bigint) as all_paid_micro_usdc
    from ranked
)

select * from cumulative
