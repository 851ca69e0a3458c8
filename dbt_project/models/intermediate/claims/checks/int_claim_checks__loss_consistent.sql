-- An isolated position cannot lose more than the margin put in, nor fill far beyond the mark and
-- its bankruptcy price. Quantities are multiplied out, so that nothing is divided or rounded.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

marks as (
    select * from {{ ref('int_closes__marked') }}
),

limits as (
    {{ thresholds() }}
),

-- Both sides of each comparison are scaled by the base quantity opened.
scaled as (
    select
        claims.*,
        marks.mark_reply_hashes,
        limits.fill_price_tolerance_ppm as tolerance_ppm,
        cast(opened_qty_base as decimal(24, 10)) as scale_qty,
        if(position_side = 'long', -1, 1) * (margin_opened + margin_added) as margin_direction,
        cast(marks.mark_low_price as decimal(22, 10)) as low_price,
        cast(marks.mark_high_price as decimal(22, 10)) as high_price
    from claims
    cross join limits
    left join marks using (exchange, account_id, order_id)
),

compared as (
    select
        *,
        -{{ units('close_result') }} * opened_share_denominator::hugeint
        <= {{ units('margin_opened') }} * opened_share_numerator::hugeint
        + {{ units('margin_added') }} * opened_share_denominator::hugeint as is_loss_covered,
        cast(opened_notional_quote + margin_direction as decimal(38, 12)) as bankruptcy_notional,
        cast(scale_qty * low_price as decimal(38, 12)) as low_notional,
        cast(scale_qty * high_price as decimal(38, 12)) as high_notional,
        cast(scale_qty * cast(fills_low_price as decimal(22, 10)) as decimal(38, 12))
            as fills_low_notional,
        cast(scale_qty * cast(fills_high_price as decimal(22, 10)) as decimal(38, 12))
            as fills_high_notional
    from scaled
),

bounded as (
    select
        *,
        case
            when low_notional is not null and bankruptcy_notional is not null
                then
                    fills_low_notional * 1000000
                    >= least(low_notional, bankruptcy_notional) * (1000000 - tolerance_ppm)
                    and fills_high_notional * 1000000
                    <= greatest(high_notional, bankruptcy_notional) * (1000000 + tolerance_ppm)
        end as is_price_plausible
    from compared
),

checked as (
    select
        claim_id,
        'LOSS_CONSISTENT' as check_code,
        {{ check_result('is_loss_covered and is_price_plausible', 'is_covered_kind') }} as result,
        is_covered_kind as is_applicable,
        concat_ws(
            ', ',
            'result ' || close_result,
            'margin ' || coalesce(margin_opened::varchar, 'unknown') || ' + ' || margin_added,
            'share ' || opened_share_numerator || '/' || opened_share_denominator,
            'fills ' || fills_low_price || ' to ' || fills_high_price,
            'mark ' || coalesce(low_price::varchar, 'unknown'),
            'to ' || coalesce(high_price::varchar, 'unknown')
        ) as observed,
        'loss within the margin, fills between mark and bankruptcy price' as expected,
        {{ evidence_ids(
            'list_concat(coalesce(mark_reply_hashes, []), coalesce(evidence_hashes, []))'
        ) }} as evidence_ids
    from bounded
)

select * from checked
