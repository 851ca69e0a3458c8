with

source as (
    select * from {{ source('evidence', 'insured_positions') }}
),

selected as (
    select
        position_key,
        party_key,
        root_key,
        exchange,
        base_asset,
        position_side,
        opened_at_ms,
        closed_at_ms,
        entry_price,
        qty_base,
        notional_quote,
        result_quote
    from source
),

deduplicated as (
    select *
    from selected
    {{ latest_by(
        ['position_key', 'party_key'], ['closed_at_ms desc nulls last', 'notional_quote']
    ) }}
)

select * from deduplicated
