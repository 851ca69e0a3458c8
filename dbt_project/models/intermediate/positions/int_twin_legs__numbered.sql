-- The positions of the accounts that may offset a liquidated one, leg by leg.
with

candidates as (
    select * from {{ ref('int_twin_accounts__matched') }}
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

{{ numbered_legs('fills') }}

select * from accumulated
