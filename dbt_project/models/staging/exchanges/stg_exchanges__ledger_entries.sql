-- Numbers stay text: casting costs more than reading, so it waits until the rows are chosen.
with

source as (
    select * from {{ source('exchanges', 'ledger') }}
),

renamed as (
    select
        exchange,
        account_id,
        endpoint,
        {{ said('inst_id') }} as inst_id,
        entry_id,
        entry_kind,
        {{ said('marker') }} as marker,
        {{ said('forced_kind') }} as forced_kind,
        {{ said('order_id') }} as order_id,
        {{ said('fill_id') }} as fill_id,
        currency,
        {{ said('qty_contracts') }} as qty_contracts,
        {{ said('price') }} as price,
        {{ said('pnl') }} as pnl,
        {{ said('fee') }} as fee,
        {{ said('margin_change') }} as margin_change,
        {{ said('amount') }} as amount,
        {{ to_time('recorded_at_ms') }} as recorded_at,
        reply_sha256
    from source
)

select * from renamed
