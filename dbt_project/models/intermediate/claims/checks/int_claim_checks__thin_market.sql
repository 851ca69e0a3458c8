-- Who can move a market can liquidate himself: a close that is big beside the minute's trading is
-- reviewed, and so is one of which nobody knows what was traded.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

traded as (
    select * from {{ ref('int_closes__traded') }}
),

limits as (
    {{ thresholds() }}
),

compared as (
    select
        claims.*,
        traded.quote_volume,
        traded.trade_reply_hashes,
        {{ coarse_units('claims.closed_notional_quote') }} * 1000000
        <= {{ coarse_units('coalesce(traded.quote_volume, 0)') }} * limits.thin_market_ppm
            as is_small
    from claims
    cross join limits
    left join traded using (exchange, account_id, order_id)
),

checked as (
    select
        claim_id,
        'THIN_MARKET' as check_code,
        {{ check_result('is_small', 'is_covered_kind') }} as result,
        true as is_hold,
        is_covered_kind and closed_notional_quote is not null as is_applicable,
        concat_ws(
            ' ', 'closed', closed_notional_quote, 'beside',
            coalesce(quote_volume::varchar, 'an unknown volume'), 'traded in a minute'
        ) as observed,
        'a small part of what was traded around the close' as expected,
        {{ evidence_ids(
            'list_concat(coalesce(trade_reply_hashes, []), coalesce(evidence_hashes, []))'
        ) }} as evidence_ids
    from compared
)

select * from checked
