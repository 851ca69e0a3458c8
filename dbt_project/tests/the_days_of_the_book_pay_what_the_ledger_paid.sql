-- Harm: a report whose days leave money out shows a loss ratio that is too good.
with

days as (
    select cast(coalesce(sum(paid_micro_usdc), 0) as bigint) as paid_micro_usdc
    from {{ ref('rpt_daily_book') }}
),

booked as (
    select cast(coalesce(sum(amount_micro_usdc), 0) as bigint) as paid_micro_usdc
    from {{ ref('fct_ledger_entries') }}
    where account = 'claims:paid'
)

select
    days.paid_micro_usdc as reported_micro_usdc,
    booked.paid_micro_usdc as booked_micro_usdc
from days
cross join booked
where days.paid_micro_usdc <> booked.paid_micro_usdc
