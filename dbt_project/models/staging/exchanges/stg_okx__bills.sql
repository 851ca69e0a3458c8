with

source as (
    select * from {{ source('okx', 'bills') }}
),

renamed as (
    select
        'okx' as exchange,
        account_id,
        billId as bill_id,
        type as bill_type,
        subType as bill_subtype,
        instId as inst_id,
        mgnMode as margin_mode,
        nullif(ordId, '') as order_id,
        ccy as currency,
        {{ exact('sz') }} as qty_contracts,
        {{ exact('px') }} as price,
        {{ exact('pnl') }} as pnl,
        {{ exact('fee') }} as fee,
        {{ exact('posBalChg') }} as position_balance_change,
        {{ to_time('ts') }} as recorded_at,
        reply_sha256
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(
        ['exchange', 'account_id', 'bill_id'],
        ['recorded_at desc', 'reply_sha256 desc']
    ) }}
)

select * from deduplicated
