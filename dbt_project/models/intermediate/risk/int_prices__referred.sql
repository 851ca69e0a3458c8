-- One market an asset, the one with the most minutes, so that no minute counts twice.
with

candles as (
    select *
    from {{ ref('stg_exchanges__candles') }}
    where is_final and price_kind = 'mark'
),

sold as (
    select
        exchange,
        inst_id,
        base_asset
    from {{ ref('sold_instruments') }}
),

markets as (
    select
        candles.exchange,
        candles.inst_id,
        sold.base_asset,
        count(distinct candles.minute_at) as minutes
    from candles
    inner join sold using (exchange, inst_id)
    group by all
),

reference as (
    select *
    from markets
    qualify
        row_number() over (
            partition by base_asset order by minutes desc, exchange asc, inst_id asc
        ) = 1
),

referred as (
    select
        reference.base_asset,
        candles.minute_at,
        {{ exact('candles.low_price') }} as low_price,
        {{ exact('candles.high_price') }} as high_price,
        {{ exact('candles.close_price') }} as close_price
    from candles
    inner join reference using (exchange, inst_id)
    {{ latest_by(['reference.base_asset', 'candles.minute_at'], ['candles.reply_sha256 desc']) }}
)

select * from referred
