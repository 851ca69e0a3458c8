-- A close at a price the market never saw is held: the mark must have reached it.
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

compared as (
    select
        claims.*,
        marks.mark_low_price,
        marks.mark_high_price,
        marks.mark_reply_hashes,
        coalesce(claims.trigger_price, claims.average_price) as reference_price,
        reference_price * (1000000 + limits.price_touch_tolerance_ppm) as high_enough,
        reference_price * (1000000 - limits.price_touch_tolerance_ppm) as low_enough,
        case claims.position_side
            when 'long' then marks.mark_low_price * 1000000 <= high_enough
            when 'short' then marks.mark_high_price * 1000000 >= low_enough
        end as is_reached
    from claims
    cross join limits
    left join marks using (exchange, account_id, order_id)
),

checked as (
    select
        claim_id,
        'PRICE_TOUCHED' as check_code,
        case
            when not is_covered_kind then 'unknown'
            when is_reached then 'pass'
            when not is_reached and trigger_price is not null then 'fail'
            else 'unknown'
        end as result,
        is_covered_kind as is_applicable,
        concat_ws(
            ' ', 'mark', coalesce(mark_low_price::varchar, 'unknown'), 'to',
            coalesce(mark_high_price::varchar, 'unknown')
        ) as observed,
        concat_ws(
            ' ', position_side, 'reaches', reference_price,
            if(trigger_price is null, '(fill price)', '(trigger price)')
        ) as expected,
        {{ evidence_ids(
            'list_concat(coalesce(mark_reply_hashes, []), coalesce(evidence_hashes, []))'
        ) }} as evidence_ids
    from compared
)

select * from checked
