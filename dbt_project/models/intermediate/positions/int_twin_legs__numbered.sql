-- The positions of the accounts that may offset a liquidated one, leg by leg. Those of accounts
-- that matter anyway are numbered already.
with

twins as (
    select * from {{ ref('int_twin_accounts__matched') }}
),

numbered_before as (
    select legs.*
    from {{ ref('int_position_legs__numbered') }} as legs
    semi join twins using (exchange, account_id, inst_id)
),

nominated as (
    select * from {{ ref('int_accounts__nominated') }}
),

candidates as (
    select twins.*
    from twins
    anti join nominated using (exchange, account_id)
),

instruments as (
    select * from {{ ref('int_instruments__versioned') }}
),

latest as (
    select fills.*
    from {{ ref('stg_exchanges__fills') }} as fills
    semi join candidates using (exchange, account_id, inst_id)
    {{ latest_fill('fills') }}
),

-- Most venues say the slot with the fill: then no order is looked at.
slots as (
    select
        orders.exchange,
        orders.account_id,
        orders.order_id,
        max(orders.position_slot) as position_slot
    from {{ ref('stg_exchanges__orders') }} as orders
    semi join
        (select * from latest where position_slot is null) as unslotted
        using (exchange, account_id, order_id)
    group by orders.exchange, orders.account_id, orders.order_id
),

cast_ones as (
    {{ cast_fills('latest', 'slots') }}
),

fills as (
    {{ sized_fills('cast_ones', 'instruments') }}
),

{{ numbered_legs('fills') }},

unioned as (
    select * from named
    union all by name
    select * from numbered_before
)

select * from unioned
