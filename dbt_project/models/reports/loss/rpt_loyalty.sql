-- The purchases of each wallet by their number: first, second to fifth, later.
with

policies as (
    select * from {{ ref('fct_policies') }}
),

numbered as (
    select
        *,
        row_number() over (partition by wallet order by purchased_at, policy_id) as purchase_no
    from policies
),

stepped as (
    select
        case
            when purchase_no = 1 then '1 first'
            when purchase_no <= 5 then '2 second to fifth'
            else '3 later'
        end as loyalty_step,
        count(*) as policy_count,
        count(distinct wallet) as wallet_count,
        cast(sum(premium_micro_usdc) as bigint) as written_micro_usdc,
        cast(sum(paid_micro_usdc) as bigint) as paid_micro_usdc
    from numbered
    group by loyalty_step
)

select * from stepped
