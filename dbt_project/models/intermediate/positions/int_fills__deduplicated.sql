-- Only the accounts with a nominated order: the rows of all others are never sorted.
with

fills as (
    select * from {{ ref('stg_exchanges__fills') }}
),

nominated as (
    select distinct
        exchange,
        account_id
    from {{ ref('int_orders__nominated') }}
),

deduplicated as (
    select fills.*
    from fills
    semi join nominated using (exchange, account_id)
    {{ latest_by(
        ['exchange', 'account_id', 'fill_id'],
        ['filled_at desc', 'reply_sha256 desc']
    ) }}
)

select * from deduplicated
