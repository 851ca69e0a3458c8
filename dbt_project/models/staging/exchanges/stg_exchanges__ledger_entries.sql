with

source as (
    select *
    from {{ source('exchanges', 'ledger') }}
    where {{ in_evidence() }}
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
        {{ exact('qty_contracts') }} as qty_contracts,
        {{ exact('price') }} as price,
        {{ exact('pnl') }} as pnl,
        {{ exact('fee') }} as fee,
        {{ exact('margin_change') }} as margin_change,
        {{ exact('amount') }} as amount,
        {{ to_time('recorded_at_ms') }} as recorded_at,
        reply_sha256
    from source
)

select * from renamed
