-- Numbers stay text: casting costs more than reading, so it waits until the rows are chosen.
with

source as (
    select * from {{ source('exchanges', 'fills') }}
),

renamed as (
    select
        exchange,
        account_id,
        endpoint,
        inst_id,
        order_id,
        fill_id,
        {{ said('marker') }} as marker,
        {{ said('forced_kind') }} as forced_kind,
        order_side,
        {{ said('position_slot') }} as position_slot,
        {{ said('price') }} as price,
        {{ said('qty_contracts') }} as qty_contracts,
        {{ said('pnl') }} as pnl,
        {{ said('fee') }} as fee,
        {{ to_time('filled_at_ms') }} as filled_at,
        reply_sha256
    from source
)

select * from renamed
