-- A close at a price the market never saw is refused: the mark must have reached the trigger. A
-- mark that no other venue comes near, or that none is there to compare with, is reviewed. Where
-- the venue states no trigger, the mark must have taken most of the margin: fills at the bankruptcy
-- price prove nothing, the trigger lies before it. A mark that did not is reviewed, for that part
-- is our estimate.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

marks as (
    select * from {{ ref('int_closes__marked') }}
),

elsewhere as (
    select * from {{ ref('int_close_references__marked') }}
),

limits as (
    {{ thresholds() }}
),

-- The price at which a part of the margin is lost, counted in 1e-12 and cut off there.
estimated as (
    select
        *,
        {{ coarse_units('opened_notional_quote') }} as notional_units,
        {{ coarse_units('margin_opened + margin_added - margin_removed') }} as margin_units,
        {{ coarse_units('opened_qty_base') }} as qty_units,
        (
            notional_units * 1000000
            - if(position_side = 'long', 1, -1) * margin_units * unstated_trigger_ppm
        ) * 1000000 // nullif(qty_units, 0) as price_units,
        {{ from_units('price_units * 1000000') }} as estimated_price
    from claims
    cross join limits
    where trigger_price is null
),

compared as (
    select
        claims.*,
        estimated.estimated_price,
        marks.mark_low_price,
        marks.mark_high_price,
        marks.mark_reply_hashes,
        coalesce(
            claims.trigger_price,
            estimated.estimated_price,
            claims.average_price,
            claims.fills_low_price
        ) as reference_price,
        reference_price * (1000000 + limits.price_touch_tolerance_ppm) as high_enough,
        reference_price * (1000000 - limits.price_touch_tolerance_ppm) as low_enough,
        case claims.position_side
            when 'long' then marks.mark_low_price * 1000000 <= high_enough
            when 'short' then marks.mark_high_price * 1000000 >= low_enough
        end as is_reached
    from claims
    cross join limits
    left join marks using (exchange, account_id, order_id)
    left join estimated on claims.claim_id = estimated.claim_id
),

confirmed as (
    select
        marks.exchange,
        marks.account_id,
        marks.order_id,
        claims.claim_id,
        bool_or(
            case claims.position_side
                when 'long'
                    then
                        abs(elsewhere.reference_low_price - marks.mark_low_price) * 1000000
                        <= marks.mark_low_price * limits.reference_price_tolerance_ppm
                else
                    abs(elsewhere.reference_high_price - marks.mark_high_price) * 1000000
                    <= marks.mark_high_price * limits.reference_price_tolerance_ppm
            end
        ) as is_confirmed,
        string_agg(
            concat_ws(
                ' ', elsewhere.reference_exchange, elsewhere.reference_low_price, 'to',
                elsewhere.reference_high_price
            ),
            ', ' order by elsewhere.reference_exchange, elsewhere.reference_inst_id
        ) as seen_elsewhere,
        flatten(list(elsewhere.reference_reply_hashes)) as reference_reply_hashes
    from claims
    cross join limits
    inner join marks using (exchange, account_id, order_id)
    inner join elsewhere using (exchange, account_id, order_id)
    group by marks.exchange, marks.account_id, marks.order_id, claims.claim_id
),

checked as (
    select
        compared.claim_id,
        'PRICE_TOUCHED' as check_code,
        case
            when not compared.is_covered_kind then 'unknown'
            when compared.is_reached and coalesce(confirmed.is_confirmed, false) then 'pass'
            when compared.is_reached is not null then 'fail'
            else 'unknown'
        end as result,
        coalesce(compared.is_reached, false) or compared.trigger_price is null as is_hold,
        compared.is_covered_kind as is_applicable,
        concat_ws(
            ' ', 'mark', coalesce(compared.mark_low_price::varchar, 'unknown'), 'to',
            coalesce(compared.mark_high_price::varchar, 'unknown') || ';',
            coalesce(confirmed.seen_elsewhere, 'no other venue to compare with')
        ) as observed,
        concat_ws(
            ' ', compared.position_side, 'reaches', compared.reference_price,
            case
                when compared.trigger_price is not null then '(trigger price)'
                when compared.estimated_price is not null then '(most of the margin)'
                else '(fill price)'
            end || ', as other venues saw it'
        ) as expected,
        {{ evidence_ids(
            'list_concat(list_concat(coalesce(compared.mark_reply_hashes, []), '
            'coalesce(confirmed.reference_reply_hashes, [])), '
            'coalesce(compared.evidence_hashes, []))'
        ) }} as evidence_ids
    from compared
    left join confirmed on compared.claim_id = confirmed.claim_id
)

select * from checked
