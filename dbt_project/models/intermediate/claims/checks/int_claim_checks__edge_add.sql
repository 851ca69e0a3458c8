-- Adding to a position at the edge of its liquidation buys a payout, not exposure.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

legs as (
    select * from {{ ref('int_position_legs__numbered') }} where leg_kind = 'open'
),

limits as (
    {{ thresholds() }}
),

priced as (
    select
        *,
        coalesce(trigger_price, average_price, fills_low_price) as edge_price
    from claims
),

firsts as (
    select
        episode_id,
        arg_min(order_id, leg_no) as first_order_id
    from legs
    group by episode_id
),

added as (
    select
        priced.claim_id,
        count(distinct legs.order_id) as added_count
    from priced
    cross join limits
    inner join legs
        on priced.episode_id = legs.episode_id and priced.last_leg_no > legs.leg_no
    inner join firsts on legs.episode_id = firsts.episode_id
    where
        legs.order_id <> firsts.first_order_id
        and legs.filled_at >= priced.liquidated_at - to_seconds(limits.edge_add_window_seconds)
        and abs(legs.price - priced.edge_price) * 1000000
        <= priced.edge_price * limits.edge_add_price_ppm
    group by priced.claim_id
),

checked as (
    select
        claims.claim_id,
        'EDGE_ADD' as check_code,
        {{ check_result(
            'coalesce(added.added_count, 0) = 0',
            'claims.is_covered_kind and claims.opened_at is not null'
        ) }} as result,
        true as is_hold,
        claims.is_covered_kind and claims.opened_at is not null as is_applicable,
        coalesce(added.added_count, 0) || ' orders added at the edge' as observed,
        concat_ws(
            ' ', 'no addition near the trigger in the last', limits.edge_add_window_seconds,
            'seconds'
        ) as expected,
        {{ evidence_ids('claims.evidence_hashes') }} as evidence_ids
    from claims
    cross join limits
    left join added on claims.claim_id = added.claim_id
)

select * from checked
