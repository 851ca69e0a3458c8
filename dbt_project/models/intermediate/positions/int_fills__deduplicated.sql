-- Only the accounts with a nominated order: the rows of all others are never sorted. A fill that
-- does not name its slot has that of its order.
with

fills as (
    select * from {{ ref('int_fills__landed') }}
),

orders as (
    select * from {{ ref('int_orders__deduplicated') }}
),

nominated as (
    select distinct
        exchange,
        account_id
    from {{ ref('int_orders__nominated') }}
),

latest as (
    select fills.*
    from fills
    semi join nominated using (exchange, account_id)
    {{ latest_by(
        ['exchange', 'account_id', 'fill_id'],
        ['filled_at desc', 'reply_sha256 desc']
    ) }}
),

slotted as (
    select
        latest.* replace (
            coalesce(latest.position_slot, orders.position_slot, 'net') as position_slot
        )
    from latest
    left join orders using (exchange, account_id, order_id)
)

select * from slotted
