-- Each movement of a pool's money beside what the books have in cash for it. An hour of a chain
-- that was read again since the last booking is left out: the books do not know it yet.
with

last_run as (
    select max(run_at) as run_at from {{ ref('stg_fund__ledger_runs') }}
),

known_hours as (
    select
        windows.chain_id,
        windows.window_from_at
    from {{ ref('stg_chain__fetch_windows') }} as windows
    inner join last_run on windows.fetched_at <= last_run.run_at
    where windows.is_complete
    group by all
),

moved as (
    select
        movement_id,
        chain_id,
        moved_at,
        kind,
        amount_micro_usdc
    from {{ ref('int_pool_movements__balanced') }}
),

booked as (
    select
        split_part(caused_by, '@', 1) as movement_id,
        chain_id,
        max(occurred_at) as booked_at,
        cast(sum(amount_micro_usdc) as bigint) as amount_micro_usdc
    from {{ ref('stg_fund__ledger_entries') }}
    where account = 'pool:cash'
    group by 1, 2
),

compared as (
    select
        coalesce(moved.movement_id, booked.movement_id) as movement_id,
        coalesce(moved.chain_id, booked.chain_id) as chain_id,
        moved.kind,
        coalesce(moved.moved_at, booked.booked_at) as moved_at,
        coalesce(moved.amount_micro_usdc, 0) as chain_micro_usdc,
        coalesce(booked.amount_micro_usdc, 0) as ledger_micro_usdc
    from moved
    full join booked
        on moved.movement_id = booked.movement_id and moved.chain_id = booked.chain_id
)

select compared.*
from compared
semi join known_hours
    on
        compared.chain_id = known_hours.chain_id
        and date_trunc('hour', compared.moved_at) = known_hours.window_from_at
