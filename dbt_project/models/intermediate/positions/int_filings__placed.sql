-- The order each filing names, on the account its policy was quoted for.
with

filings as (
    select * from {{ ref('stg_intake__claims') }}
),

quotes as (
    select * from {{ ref('stg_intake__quotes') }}
),

accounts as (
    select * from {{ ref('stg_intake__accounts') }}
),

placed as (
    select
        filings.filing_id,
        accounts.exchange,
        accounts.account_id,
        filings.order_id
    from filings
    inner join quotes on filings.policy_id = quotes.quote_id
    inner join accounts on quotes.account_id = accounts.account_id
)

select * from placed
