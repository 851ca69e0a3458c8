-- Harm: a customer's money is kept without a cover and nobody looks at it.
-- Hours read after the last registration are for the next one.
with

written as (
    select recorded_at from {{ ref('stg_lifecycle__policy_txns') }}

    union all

    select queued_at as recorded_at from {{ ref('stg_lifecycle__payment_exceptions') }}
),

registered as (
    select max(recorded_at) as last_at from written
)

select purchases.tx_hash
from {{ ref('stg_chain__policy_purchases') }} as purchases
inner join {{ ref('stg_chain__fetch_windows') }} as windows
    on
        purchases.chain_id = windows.chain_id
        and purchases.pool = windows.pool
        and date_trunc('hour', purchases.block_at) = windows.window_from_at
inner join registered on windows.fetched_at <= registered.last_at
anti join {{ ref('fct_policies') }} as policies
    on purchases.quote_id = policies.policy_id and purchases.tx_hash = policies.purchase_tx_hash
anti join {{ ref('fct_payment_exceptions') }} as queued
    on purchases.chain_id = queued.chain_id and purchases.tx_hash = queued.tx_hash
