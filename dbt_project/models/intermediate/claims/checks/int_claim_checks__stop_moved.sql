-- Who takes his stop away just before the end wanted to be liquidated, or not to lose; people look.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

stops as (
    select * from {{ ref('stg_exchanges__stops') }} where stop_state = 'canceled'
),

limits as (
    {{ thresholds() }}
),

moved as (
    select
        claims.claim_id,
        count(*) as stop_count,
        list_sort(list_distinct(list(stops.reply_sha256))) as stop_reply_hashes
    from claims
    cross join limits
    inner join stops using (exchange, account_id, inst_id, position_side)
    where
        stops.updated_at >= claims.opened_at
        and stops.updated_at >= claims.liquidated_at - to_seconds(limits.stop_moved_window_seconds)
        and stops.updated_at < claims.liquidated_at
    group by claims.claim_id
),

checked as (
    select
        claims.claim_id,
        'STOP_MOVED' as check_code,
        {{ check_result(
            'coalesce(moved.stop_count, 0) = 0',
            'claims.is_covered_kind and claims.opened_at is not null'
        ) }} as result,
        true as is_hold,
        claims.is_covered_kind and claims.opened_at is not null as is_applicable,
        coalesce(moved.stop_count, 0) || ' stops cancelled' as observed,
        concat_ws(
            ' ', 'no stop cancelled in the last', limits.stop_moved_window_seconds, 'seconds'
        ) as expected,
        {{ evidence_ids(
            'list_concat(coalesce(moved.stop_reply_hashes, []), coalesce(claims.evidence_hashes, []))'
        ) }} as evidence_ids
    from claims
    cross join limits
    left join moved on claims.claim_id = moved.claim_id
)

select * from checked
