with

source as (
    select *
    from {{ source('exchanges', 'positions') }}
    where {{ in_evidence() }}
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
        {{ exact('leverage') }} as leverage,
        {{ said('marker') }} as marker,
        {{ said('forced_kind') }} as forced_kind,
        {{ exact('trigger_price') }} as trigger_price,
        {{ exact('qty_contracts') }} as qty_contracts,
        {{ exact('pnl') }} as pnl,
        {{ to_time('opened_at_ms') }} as opened_at,
        {{ to_time('updated_at_ms') }} as updated_at,
        reply_sha256
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(
        ['exchange', 'account_id', 'inst_id', 'endpoint', 'position_row_id'],
        ['updated_at desc', 'reply_sha256 desc', 'marker desc']
    ) }}
)

select * from deduplicated
