-- Every line a venue marked as a forced close, in whichever listing, corrected later or not. Read
-- by its marker alone: of all other lines nothing but that one column is looked at.
with

orders as (
    select
        exchange,
        account_id,
        order_id,
        null::varchar as fill_id
    from {{ ref('stg_exchanges__orders') }}
    where forced_kind <> 'own_close'
),

fills as (
    select
        exchange,
        account_id,
        order_id,
        fill_id
    from {{ ref('stg_exchanges__fills') }}
    where forced_kind <> 'own_close'
),

entries as (
    select
        exchange,
        account_id,
        order_id,
        fill_id
    from {{ ref('stg_exchanges__ledger_entries') }}
    where forced_kind <> 'own_close'
),

positions as (
    select
        exchange,
        account_id,
        order_id,
        null::varchar as fill_id
    from {{ ref('stg_exchanges__positions') }}
    where forced_kind <> 'own_close'
),

unioned as (
    select * from orders
    union all
    select * from fills
    union all
    select * from entries
    union all
    select * from positions
),

quotes as (
    select * from {{ ref('stg_intake__quotes') }}
),

-- What happens to an account no policy was ever quoted on decides nothing.
reported as (
    select distinct *
    from unioned
    where account_id in (select account_id from quotes)
)

select * from reported
