-- The accounts a policy was ever quoted on: the rows of all others decide nothing and are not kept.
with

quotes as (
    select * from {{ ref('stg_intake__quotes') }}
),

accounts as (
    select * from {{ ref('stg_intake__accounts') }}
),

quoted as (
    select distinct
        accounts.exchange,
        accounts.account_id
    from quotes
    inner join accounts on quotes.account_id = accounts.account_id
)

select * from quoted
