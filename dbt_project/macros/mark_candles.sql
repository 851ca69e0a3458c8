{#- The final mark candles of the minutes in some spans, the latest reading of each. Only these are
    cast and sorted: candles are read for every minute of every market. `spans` names a CTE. -#}
{%- macro mark_candles_of(spans, first_at, last_at) -%}
    select
        candles.exchange,
        candles.inst_id,
        candles.minute_at,
        {{ exact('candles.low_price') }} as low_price,
        {{ exact('candles.high_price') }} as high_price
    from {{ ref('stg_exchanges__candles') }} as candles
    semi join
        (
            select
                exchange,
                inst_id,
                unnest({{ minutes_touched(first_at, last_at) }}) as minute_at
            from {{ spans }}
        ) as minutes
        on
            candles.exchange = minutes.exchange
            and candles.inst_id = minutes.inst_id
            and candles.minute_at = minutes.minute_at
    where candles.is_final and candles.price_kind = 'mark'
    {{ latest_by(
        ['candles.exchange', 'candles.inst_id', 'candles.minute_at'],
        ['candles.reply_sha256 desc']
    ) }}
{%- endmacro -%}
