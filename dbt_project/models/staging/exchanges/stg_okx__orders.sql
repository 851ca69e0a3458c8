with

source as (
    select * from {{ source('okx', 'orders') }}
),

renamed as (
    select
        'okx' as exchange,
        account_id,
        instId as inst_id,
        instType as inst_type,
        ordId as order_id,
        category as order_category,
        side as order_side,
        posSide as position_slot,
        tdMode as margin_mode,
        state as order_state,
        {{ exact('lever') }} as leverage,
        {{ exact('sz') }} as ordered_qty_contracts,
        {{ exact('avgPx') }} as average_price,
        {{ exact('accFillSz') }} as filled_qty_contracts,
        {{ exact('fee') }} as fee,
        {{ exact('pnl') }} as pnl,
        {{ to_time('cTime') }} as created_at,
        {{ to_time("coalesce(nullif(fillTime, ''), uTime)") }} as filled_at,
        {{ to_time('uTime') }} as updated_at,
        reply_sha256
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(
        ['exchange', 'account_id', 'order_id'],
        ['updated_at desc', 'filled_qty_contracts desc', 'reply_sha256 desc']
    ) }}
)

select * from deduplicated
