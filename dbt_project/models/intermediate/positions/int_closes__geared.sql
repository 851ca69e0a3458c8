-- Leverage and margin mode of the closed position: what its orders say, else its positions row,
-- else the account's setting as last read before the opening, else as first read after it.
with

closes as (
    select * from {{ ref('int_closes__placed') }} where opened_at is not null
),

opening_orders as (
    select * from {{ ref('int_closes__opened') }}
),

orders as (
    select * from {{ ref('int_orders__deduplicated') }}
),

positions as (
    select * from {{ ref('int_position_states__matched') }}
),

settings as (
    select * from {{ ref('stg_exchanges__leverages') }}
),

by_opening_orders as (
    select
        opening_orders.exchange,
        opening_orders.account_id,
        opening_orders.order_id,
        case when count(*) = count(orders.leverage) then max(orders.leverage) end as leverage
    from opening_orders
    left join orders
        on
            opening_orders.exchange = orders.exchange
            and opening_orders.account_id = orders.account_id
            and opening_orders.opening_order_id = orders.order_id
    group by opening_orders.exchange, opening_orders.account_id, opening_orders.order_id
),

by_episode_orders as (
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

by_setting as (
    select
        closes.exchange,
        closes.account_id,
        closes.order_id,
        settings.leverage,
        settings.margin_mode
    from closes
    inner join settings
        on
            closes.exchange = settings.exchange
            and closes.account_id = settings.account_id
            and closes.inst_id = settings.inst_id
            and settings.position_slot in ('net', closes.position_slot)
    qualify row_number() over (
        partition by closes.exchange, closes.account_id, closes.order_id
        order by
            settings.taken_at <= closes.opened_at desc,
            abs(epoch_ms(settings.taken_at) - epoch_ms(closes.opened_at)),
            settings.leverage desc
    ) = 1
),

geared as (
    select
        closes.exchange,
        closes.account_id,
        closes.order_id,
        coalesce(by_opening_orders.leverage, positions.leverage, by_setting.leverage)
            as opening_leverage,
        by_episode_orders.highest_leverage,
        coalesce(
            by_episode_orders.is_isolated,
            positions.margin_mode = 'isolated',
            by_setting.margin_mode = 'isolated'
        ) as is_isolated
    from closes
    left join by_opening_orders using (exchange, account_id, order_id)
    left join by_episode_orders using (exchange, account_id, order_id)
    left join by_setting using (exchange, account_id, order_id)
    left join positions using (exchange, account_id, order_id)
)

select * from geared
