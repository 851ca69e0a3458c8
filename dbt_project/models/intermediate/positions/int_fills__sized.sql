with

fills as (
    select * from {{ ref('int_fills__deduplicated') }}
),

instruments as (
    select * from {{ ref('int_instruments__versioned') }}
),

sized as (
    select
        fills.*,
        instruments.contract_size,
        case fills.order_side when 'buy' then fills.qty_contracts else -fills.qty_contracts end
            as signed_qty_contracts
    from fills
    left join instruments
        on
            fills.exchange = instruments.exchange
            and fills.inst_id = instruments.inst_id
            and fills.filled_at >= instruments.valid_from_at
            and fills.filled_at < instruments.valid_to_at
)

select * from sized
