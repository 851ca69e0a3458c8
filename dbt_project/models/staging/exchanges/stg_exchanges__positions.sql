-- Numbers stay text: casting costs more than reading, so it waits until the rows are chosen.
with

source as (
    select * from {{ source('exchanges', 'positions') }}
),

renamed as (
    select
        exchange,
        account_id,
        endpoint,
        inst_id,
        concat_ws(
            ':', coalesce(position_id, ''), coalesce(order_id, ''), position_side, updated_at_ms
        ) as position_row_id,
        {{ said('position_id') }} as position_id,
        {{ said('order_id') }} as order_id,
        position_side,
        {{ said('margin_mode') }} as margin_mode,
        {{ said('leverage') }} as leverage,
        {{ said('marker') }} as marker,
        {{ said('forced_kind') }} as forced_kind,
        {{ said('trigger_price') }} as trigger_price,
        {{ said('qty_contracts') }} as qty_contracts,
        {{ said('pnl') }} as pnl,
        {{ to_time('opened_at_ms') }} as opened_at,
        {{ to_time('updated_at_ms') }} as updated_at,
        reply_sha256
    from source
)

select * from renamed
