-- Margin put in, leverage and margin mode of the episode up to the close.
with

closes as (
    select * from {{ ref('int_closes__placed') }} where opened_at is not null
),

legs as (
    select * from {{ ref('int_position_legs__numbered') }}
),

orders as (
    select * from {{ ref('stg_okx__orders') }}
),

bills as (
    select * from {{ ref('stg_okx__bills') }}
),

opening_orders as (
    select distinct
        closes.exchange,
        closes.account_id,
        closes.order_id,
        closes.liquidated_at,
        legs.order_id as opening_order_id
    from closes
    inner join legs
        on closes.episode_id = legs.episode_id and closes.last_leg_no > legs.leg_no
    where legs.leg_kind = 'open'
),

-- Null when an opening order has no bill: a margin that is too small is worse than none.
opening_margin as (
    select
        opening_orders.exchange,
        opening_orders.account_id,
        opening_orders.order_id,
        case
            when count(distinct opening_orders.opening_order_id) = count(distinct bills.order_id)
                then sum(bills.position_balance_change)
        end as margin_opened,
        list_sort(list_distinct(list(bills.reply_sha256))) as reply_hashes
    from opening_orders
    left join bills
        on
            opening_orders.exchange = bills.exchange
            and opening_orders.account_id = bills.account_id
            and opening_orders.opening_order_id = bills.order_id
            and opening_orders.liquidated_at >= bills.recorded_at
            and bills.position_balance_change > 0
    group by opening_orders.exchange, opening_orders.account_id, opening_orders.order_id
),

opening_leverage as (
    select
        opening_orders.exchange,
        opening_orders.account_id,
        opening_orders.order_id,
        case when count(*) = count(orders.leverage) then max(orders.leverage) end
            as opening_leverage
    from opening_orders
    left join orders
        on
            opening_orders.exchange = orders.exchange
            and opening_orders.account_id = orders.account_id
            and opening_orders.opening_order_id = orders.order_id
    group by opening_orders.exchange, opening_orders.account_id, opening_orders.order_id
),

added_margin as (
    select
        closes.exchange,
        closes.account_id,
        closes.order_id,
        sum(bills.position_balance_change) as margin_added
    from closes
    inner join bills
        on
            closes.exchange = bills.exchange
            and closes.account_id = bills.account_id
            and closes.inst_id = bills.inst_id
            and bills.recorded_at between closes.opened_at and closes.liquidated_at
    where bills.order_id is null and bills.position_balance_change > 0
    group by closes.exchange, closes.account_id, closes.order_id
),

episode_orders as (
    select
        closes.exchange,
        closes.account_id,
        closes.order_id,
        max(orders.leverage) as highest_leverage,
        bool_and(orders.margin_mode = 'isolated') as is_isolated
    from closes
    inner join orders
        on
            closes.exchange = orders.exchange
            and closes.account_id = orders.account_id
            and closes.inst_id = orders.inst_id
            and closes.position_slot = orders.position_slot
            and orders.filled_at between closes.opened_at and closes.liquidated_at
    where orders.filled_qty_contracts > 0
    group by closes.exchange, closes.account_id, closes.order_id
),

margined as (
    select
        closes.exchange,
        closes.account_id,
        closes.order_id,
        opening_margin.margin_opened,
        coalesce(added_margin.margin_added, 0) as margin_added,
        opening_margin.reply_hashes as margin_reply_hashes,
        opening_leverage.opening_leverage,
        episode_orders.highest_leverage,
        episode_orders.is_isolated
    from closes
    left join opening_margin using (exchange, account_id, order_id)
    left join opening_leverage using (exchange, account_id, order_id)
    left join added_margin using (exchange, account_id, order_id)
    left join episode_orders using (exchange, account_id, order_id)
)

select * from margined
