with

source as (
    select * from {{ source('okx', 'fills') }}
),

renamed as (
    select
        'okx' as exchange,
        account_id,
        instId as inst_id,
        ordId as order_id,
        coalesce(nullif(billId, ''), instId || ':' || tradeId) as fill_id,
        subType as bill_subtype,
        side as order_side,
        posSide as position_slot,
        {{ exact('fillPx') }} as price,
        {{ exact('fillSz') }} as qty_contracts,
        {{ exact('fillPnl') }} as pnl,
        {{ exact('fee') }} as fee,
        {{ to_time("coalesce(nullif(fillTime, ''), ts)") }} as filled_at,
        {{ to_time('ts') }} as recorded_at,
        reply_sha256
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(
        ['exchange', 'account_id', 'fill_id'],
        ['recorded_at desc', 'filled_at desc', 'reply_sha256 desc']
    ) }}
)

select * from deduplicated
