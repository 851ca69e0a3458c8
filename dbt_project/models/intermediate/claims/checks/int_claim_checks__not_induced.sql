-- Margin taken out or leverage raised in the last day is put back, in thought: the trigger then
-- lies at T x (N - s (M + R)) : (N - s M), with the opened notional N, the margin M, what was
-- taken R and s = 1 for a long, -1 for a short. Where the mark did not come that far, the holder
-- brought the liquidation about. Sides are multiplied out; nothing is divided.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

weakened as (
    select * from {{ ref('int_closes__weakened') }}
),

marks as (
    select * from {{ ref('int_closes__marked') }}
),

priced as (
    select
        claims.*,
        weakened.weakened_at,
        weakened.margin_removed_lately,
        weakened.leverage_before,
        weakened.weakening_reply_hashes,
        if(claims.position_side = 'long', 1, -1) as side_sign,
        if(claims.position_side = 'long', weakened.low_price_since, weakened.high_price_since)
            as worst_price,
        coalesce(
            claims.trigger_price,
            if(claims.position_side = 'long', marks.mark_low_price, marks.mark_high_price)
        ) as reached_price
    from claims
    left join weakened using (exchange, account_id, order_id)
    left join marks using (exchange, account_id, order_id)
),

scaled as (
    select
        *,
        {{ coarse_units('opened_notional_quote') }} as notional_units,
        {{ coarse_units('margin_opened + margin_added - margin_removed') }} as margin_units,
        {{ coarse_units('margin_removed_lately') }} as removed_units,
        {{ units('leverage_before') }} // 10000000000000000 as leverage_units,
        {{ coarse_units('worst_price') }} as worst_units,
        {{ coarse_units('reached_price') }} as trigger_units
    from priced
),

-- A raise is restored to the margin the lower leverage asks for, which is the opened notional over
-- it (leverages count hundredths).
restored as (
    select
        *,
        side_sign * worst_units * (notional_units - side_sign * margin_units)
        <= side_sign * trigger_units * (notional_units - side_sign * (margin_units + removed_units))
            as is_reached_with_margin,
        leverage_before is null
        or side_sign * worst_units * (notional_units - side_sign * margin_units) * leverage_units
        <= side_sign * trigger_units * notional_units * (leverage_units - side_sign * 100)
            as is_reached_at_leverage
    from scaled
),

checked as (
    select
        claim_id,
        'NOT_INDUCED' as check_code,
        {{ check_result(
            'weakened_at is null or (is_reached_with_margin and is_reached_at_leverage)',
            'is_covered_kind and opened_at is not null'
        ) }} as result,
        is_covered_kind and opened_at is not null as is_applicable,
        case
            when weakened_at is null then 'nothing withdrawn, no leverage raised'
            else concat_ws(
                ', ',
                'withdrawn ' || margin_removed_lately,
                'leverage raised from ' || leverage_before,
                'since ' || strftime(weakened_at, '%Y-%m-%dT%H:%M:%SZ'),
                'worst mark ' || coalesce(worst_price::varchar, 'unknown')
            )
        end as observed,
        'liquidated all the same with what was taken put back' as expected,
        {{ evidence_ids(
            'list_concat(coalesce(weakening_reply_hashes, []), coalesce(evidence_hashes, []))'
        ) }} as evidence_ids
    from restored
)

select * from checked
