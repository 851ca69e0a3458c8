with

closes as (
    select * from {{ ref('int_closes__placed') }} where opened_at is not null
),

legs as (
    select * from {{ ref('int_position_legs__numbered') }}
),

opened as (
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
)

select * from opened
