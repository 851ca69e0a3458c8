-- The orders a claim can be about: closes the venue marked as forced, and those a filing names.
-- Every reply counts here, corrected later or not; what an order was is decided further on.
with

reported as (
    select * from {{ ref('int_closes__reported') }}
),

filings as (
    select * from {{ ref('int_filings__placed') }}
),

fills as (
    select * from {{ ref('int_fills__deduplicated') }}
),

by_report as (
    select
        exchange,
        account_id,
        order_id
    from reported
    where order_id is not null
),

-- An entry of the ledger may name the fill alone.
by_fill as (
    select
        fills.exchange,
        fills.account_id,
        fills.order_id
    from fills
    inner join reported using (exchange, account_id, fill_id)
    where reported.order_id is null
),

by_filing as (
    select
        exchange,
        account_id,
        order_id
    from filings
),

nominated as (
    select * from by_report
    union
    select * from by_fill
    union
    select * from by_filing
)

select * from nominated
