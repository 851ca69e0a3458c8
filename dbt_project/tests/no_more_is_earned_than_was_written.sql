-- Harm: a premium that is earned twice hides a loss; what is left of it must be unearned.
-- A day's sum is rounded once.
with

days as (
    select
        cast(coalesce(sum(earned_micro_usdc), 0) as bigint) as earned_micro_usdc,
        count(*) as day_count
    from {{ ref('rpt_daily_book') }}
),

policies as (
    select
        cast(coalesce(sum(premium_micro_usdc - refund_micro_usdc), 0) as bigint)
            as kept_micro_usdc,
        cast(coalesce(sum(
            case when cover_end_at <= {{ as_of() }} then premium_micro_usdc - refund_micro_usdc end
        ), 0) as bigint) as over_micro_usdc
    from {{ ref('fct_policies') }}
)

select
    days.earned_micro_usdc,
    policies.kept_micro_usdc,
    policies.over_micro_usdc
from days
cross join policies
where
    days.earned_micro_usdc > policies.kept_micro_usdc + days.day_count
    or days.earned_micro_usdc < policies.over_micro_usdc - days.day_count
