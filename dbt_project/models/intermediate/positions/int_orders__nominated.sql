-- The orders a claim can be about: closes the venue marked as forced, and those a filing names.
with

orders as (
    select * from {{ ref('stg_okx__orders') }}
),

bills as (
    select * from {{ ref('stg_okx__bills') }}
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

markers as (
    select * from {{ ref('exchange_markers') }} where forced_kind <> 'own_close'
),

by_order as (
    select
        orders.exchange,
        orders.account_id,
        orders.order_id
    from orders
    inner join markers
        on
            orders.exchange = markers.exchange
            and markers.source = 'order_category'
            and orders.order_category = markers.marker
),

by_bill as (
    select
        bills.exchange,
        bills.account_id,
        bills.order_id
    from bills
    inner join markers
        on
            bills.exchange = markers.exchange
            and (
                (markers.source = 'bill_subtype' and bills.bill_subtype = markers.marker)
                or (markers.source = 'bill_type' and bills.bill_type = markers.marker)
            )
    where bills.order_id is not null
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
    select * from by_bill
    union
    select * from by_filing
)

select * from nominated
