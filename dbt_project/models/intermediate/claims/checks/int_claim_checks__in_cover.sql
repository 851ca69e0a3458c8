-- Opened inside the cover, closed inside [start, end), filed inside the grace.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

checked as (
    select
        claim_id,
        'IN_COVER' as check_code,
        {{ check_result(
            'opened_at >= cover_start_at and liquidated_at >= cover_start_at '
            'and liquidated_at < cover_end_at and (filed_at is null or filed_at <= file_until_at)',
            'is_event_known and opened_at is not null'
        ) }} as result,
        is_event_known and opened_at is not null as is_applicable,
        concat_ws(
            ', ',
            'opened ' || strftime(opened_at, '%Y-%m-%dT%H:%M:%S.%gZ'),
            'closed ' || strftime(liquidated_at, '%Y-%m-%dT%H:%M:%S.%gZ'),
            'filed ' || strftime(filed_at, '%Y-%m-%dT%H:%M:%S.%gZ')
        ) as observed,
        concat_ws(
            ' ',
            'cover', strftime(cover_start_at, '%Y-%m-%dT%H:%M:%S.%gZ'),
            'to', strftime(cover_end_at, '%Y-%m-%dT%H:%M:%S.%gZ'),
            'filed by', strftime(file_until_at, '%Y-%m-%dT%H:%M:%S.%gZ')
        ) as expected,
        'purchase:' || purchase_tx_hash || ':' || purchase_log_index as evidence_ids
    from claims
)

select * from checked
