-- Every hour around the position's life must have been fetched completely, at every endpoint.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

limits as (
    {{ thresholds() }}
),

windows as (
    select
        exchange,
        account_id as scope_id,
        endpoint,
        window_from_at
    from {{ ref('stg_exchanges__fetch_windows') }}
    where is_complete
),

endpoints as (
    select * from {{ ref('stg_exchanges__endpoints') }}
),

-- A forced close whose opening lies before the evidence has no beginning to look back from.
spans as (
    select
        claims.*,
        to_seconds(limits.evidence_margin_seconds) as margin,
        case
            when not is_event_known then cover_start_at
            when forced_kind = 'own_close' then coalesce(opened_at, liquidated_at)
            else opened_at
        end as began_at,
        began_at - margin as first_needed_at,
        case
            when is_event_known then liquidated_at + margin
            else filed_at
        end as last_needed_at
    from claims
    cross join limits
),

needed as (
    select
        spans.claim_id,
        spans.exchange,
        if(endpoints.scope = 'market', spans.inst_id, spans.account_id) as scope_id,
        endpoints.endpoint,
        unnest({{ hours_touched('spans.first_needed_at', 'spans.last_needed_at') }}) as hour_at
    from spans
    inner join endpoints on spans.exchange = endpoints.exchange
),

found as (
    select
        needed.claim_id,
        count(*) as needed_count,
        count(windows.window_from_at) as complete_count,
        min(concat_ws(' ', needed.endpoint, strftime(needed.hour_at, '%Y-%m-%dT%H:%MZ')))
        filter (where windows.window_from_at is null) as first_gap
    from needed
    left join windows
        on
            needed.exchange = windows.exchange
            and needed.scope_id = windows.scope_id
            and needed.endpoint = windows.endpoint
            and needed.hour_at = windows.window_from_at
    group by needed.claim_id
),

checked as (
    select
        spans.claim_id,
        'EVIDENCE_COMPLETE' as check_code,
        case
            when coalesce(found.needed_count = found.complete_count and spans.has_config, false)
                then 'pass'
            else 'unknown'
        end as result,
        true as is_applicable,
        case
            when not spans.is_bought then 'the purchase is not on the chain yet'
            when spans.first_needed_at is null
                then 'the opening of the position lies before the evidence'
            when not spans.has_config then 'no account configuration was read'
            when found.needed_count is null then 'the venue requires nothing we know of'
            else concat_ws(
                ' ',
                found.complete_count, 'of', found.needed_count, 'hours',
                'first gap: ' || found.first_gap
            )
        end as observed,
        'every hour of every listing the venue requires from '
        || coalesce(strftime(spans.first_needed_at, '%Y-%m-%dT%H:%MZ'), '?')
        || ' to ' || coalesce(strftime(spans.last_needed_at, '%Y-%m-%dT%H:%MZ'), '?') as expected,
        coalesce('reply:' || spans.config_reply_sha256, '') as evidence_ids
    from spans
    left join found on spans.claim_id = found.claim_id
)

select * from checked
