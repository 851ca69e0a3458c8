-- Numbers stay text: casting costs more than reading, so it waits until the rows are chosen.
with

source as (
    select * from {{ source('exchanges', 'orders') }}
),

renamed as (
    select
        exchange,
        account_id,
        endpoint,
        inst_id,
        order_id,
        {{ said('marker') }} as marker,
        {{ said('forced_kind') }} as forced_kind,
        order_side,
        {{ said('position_slot') }} as position_slot,
        {{ said('margin_mode') }} as margin_mode,
        state as order_state,
        {{ said('leverage') }} as leverage,
        {{ said('average_price') }} as average_price,
        {{ said('ordered_qty_contracts') }} as ordered_qty_contracts,
        {{ said('filled_qty_contracts') }} as filled_qty_contracts,
        {{ said('fee') }} as fee,
        {{ said('pnl') }} as pnl,
        {{ to_time('created_at_ms') }} as created_at,
        {{ to_time('filled_at_ms') }} as filled_at,
        {{ to_time('updated_at_ms') }} as updated_at,
        reply_sha256
    from source
)

select * from renamed
