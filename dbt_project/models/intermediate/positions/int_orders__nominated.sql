-- The orders a claim can be about: closes the venue marked as forced, and those a filing names.
-- Every reply counts here, corrected later or not; what an order was is decided further on.
with

orders as (
    select * from {{ ref('int_orders__landed') }}
),

fills as (
    select * from {{ ref('int_fills__landed') }}
),

ledger as (
    select * from {{ ref('int_ledger_entries__landed') }}
),

positions as (
    select * from {{ ref('int_positions__landed') }}
),

filings as (
    select * from {{ ref('stg_intake__claims') }}
),

quotes as (
    select * from {{ ref('stg_intake__quotes') }}
),

accounts as (
    select * from {{ ref('stg_intake__accounts') }}
),

by_order as (
    select
        exchange,
        account_id,
        order_id
    from orders
    where forced_kind <> 'own_close'
),

by_fill as (
    select
        exchange,
        account_id,
        order_id
    from fills
    where forced_kind <> 'own_close'
),

forced_entries as (
    select
        exchange,
        account_id,
        order_id,
        fill_id
    from ledger
    where forced_kind <> 'own_close'
),

by_entry as (
    select
        exchange,
        account_id,
        order_id
    from forced_entries
    where order_id is not null

    union all

    select
        fills.exchange,
        fills.account_id,
        fills.order_id
    from fills
    inner join forced_entries
        on
            fills.exchange = forced_entries.exchange
            and fills.account_id = forced_entries.account_id
            and fills.fill_id = forced_entries.fill_id
    where forced_entries.order_id is null
),

by_position as (
    select
        exchange,
        account_id,
        order_id
    from positions
    where forced_kind <> 'own_close' and order_id is not null
),

by_filing as (
    select
        accounts.exchange,
        accounts.account_id,
        filings.order_id
    from filings
    inner join quotes on filings.policy_id = quotes.quote_id
    inner join accounts on quotes.account_id = accounts.account_id
),

nominated as (
    select * from by_order
    union
    select * from by_fill
    union
    select * from by_entry
    union
    select * from by_position
    union
    select * from by_filing
)

select * from nominated
