-- Three misses over ten minutes before an order is called absent; one miss proves nothing.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

limits as (
    {{ thresholds() }}
),

windows as (
    select * from {{ ref('int_claim_checks__evidence_complete') }}
),

looked_up as (
    select
        claims.*,
        windows.result = 'pass' as is_listing_complete,
        claims.miss_count >= limits.lookup_min_count
        and claims.hit_count = 0
        and claims.last_missed_at - claims.first_missed_at
        >= to_seconds(limits.lookup_min_span_seconds) as is_missed_enough,
        limits.lookup_min_count,
        limits.lookup_min_span_seconds
    from claims
    cross join limits
    inner join windows on claims.claim_id = windows.claim_id
),

checked as (
    select
        claim_id,
        'ORDER_EXISTS' as check_code,
        case
            when is_order_landed then 'pass'
            when is_event_known then 'unknown'
            when is_listing_complete and is_missed_enough then 'fail'
            else 'unknown'
        end as result,
        true as is_applicable,
        case
            when is_order_landed then 'order ' || order_id || ' is on the account'
            when is_event_known
                then 'the ledger names order ' || order_id || ', the order list does not'
            else concat_ws(' ', coalesce(miss_count, 0), 'look-ups missed order', order_id)
        end as observed,
        concat_ws(
            ' ', 'the order on the account, or', lookup_min_count, 'misses over',
            lookup_min_span_seconds, 'seconds and a complete listing'
        ) as expected,
        {{ evidence_ids(
            'list_concat(coalesce(reply_hashes, []), coalesce(lookup_reply_hashes, []))'
        ) }} as evidence_ids
    from looked_up
)

select * from checked
