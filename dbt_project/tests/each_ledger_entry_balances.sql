-- Harm: money comes from nowhere or is lost inside an entry.
select
    entry_id,
    sum(amount_micro_usdc) as left_micro_usdc
from {{ ref('fct_ledger_entries') }}
group by entry_id
having left_micro_usdc <> 0
