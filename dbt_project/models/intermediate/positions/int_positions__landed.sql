-- Read once from all that landed: chosen first, cast then, the latest reading of each.
with

positions as (
    select * from {{ ref('stg_exchanges__positions') }}
),

quoted as (
    select * from {{ ref('int_accounts__quoted') }}
),

kept as (
    select
        positions.* replace (
            {{ exact('positions.leverage') }} as leverage,
            {{ exact('positions.trigger_price') }} as trigger_price,
            {{ exact('positions.qty_contracts') }} as qty_contracts,
            {{ exact('positions.pnl') }} as pnl
        )
    from positions
    semi join quoted using (exchange, account_id)
    {{ latest_by(
        ['exchange', 'account_id', 'inst_id', 'endpoint', 'position_row_id'],
        ['updated_at desc', 'reply_sha256 desc', 'marker desc']
    ) }}
)

select * from kept
