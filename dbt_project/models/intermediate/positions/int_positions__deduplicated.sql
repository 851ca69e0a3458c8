-- Only the accounts that matter, and only the latest reading of each row: then numbers are cast.
with

positions as (
    select * from {{ ref('stg_exchanges__positions') }}
),

nominated as (
    select * from {{ ref('int_accounts__nominated') }}
),

latest as (
    select positions.*
    from positions
    semi join nominated using (exchange, account_id)
    {{ latest_by(
        ['exchange', 'account_id', 'inst_id', 'endpoint', 'position_row_id'],
        ['updated_at desc', 'reply_sha256 desc', 'marker desc']
    ) }}
),

deduplicated as (
    select
        * replace (
            {{ exact('leverage') }} as leverage,
            {{ exact('trigger_price') }} as trigger_price,
            {{ exact('qty_contracts') }} as qty_contracts,
            {{ exact('pnl') }} as pnl
        )
    from latest
)

select * from deduplicated
