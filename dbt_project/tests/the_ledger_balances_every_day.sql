-- Harm: a day's balance sheet does not close.
select
    booked_on,
    sum(change_micro_usdc) as left_micro_usdc
from {{ ref('fct_ledger_balances') }}
group by booked_on
having left_micro_usdc <> 0
