-- The positions of the accounts that may offset a liquidated one, leg by leg. Those of accounts
-- with a nominated order are numbered already.
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
    select distinct
        exchange,
        account_id
    from {{ ref('int_orders__nominated') }}
),

candidates as (
    select twins.*
    from twins
    anti join nominated using (exchange, account_id)
),

instruments as (
    select * from {{ ref('int_instruments__versioned') }}
),

slots as (
    select
        exchange,
        account_id,
        order_id,
        max(position_slot) as position_slot
    from {{ ref('int_orders__landed') }}
    semi join candidates using (exchange, account_id, inst_id)
    group by exchange, account_id, order_id
),

latest as (
    select fills.*
    from {{ ref('int_fills__landed') }} as fills
    semi join candidates using (exchange, account_id, inst_id)
    {{ latest_by(
        ['fills.exchange', 'fills.account_id', 'fills.fill_id'],
        ['fills.filled_at desc', 'fills.reply_sha256 desc']
    ) }}
),

slotted as (
    select
        latest.* replace (
            coalesce(latest.position_slot, slots.position_slot, 'net') as position_slot
        )
    from latest
    left join slots using (exchange, account_id, order_id)
),

fills as (
    {{ sized_fills('slotted', 'instruments') }}
),

{{ numbered_legs('fills') }},

unioned as (
    select * from accumulated
    union all by name
    select * from numbered_before
)

select * from unioned
