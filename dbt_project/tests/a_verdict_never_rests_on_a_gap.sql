-- Harm: an hour that failed to load looks like an hour in which nothing happened. Only that a key
-- is a demo key needs no hour.
select
    claims.claim_id,
    claims.verdict,
    windows.endpoint,
    windows.window_from_at
from {{ ref('int_claims__decided') }} as claims
inner join {{ ref('stg_exchanges__endpoints') }} as endpoints
    on claims.exchange = endpoints.exchange
inner join {{ ref('stg_exchanges__fetch_windows') }} as windows
    on
        claims.exchange = windows.exchange
        and endpoints.endpoint = windows.endpoint
        and windows.account_id
        = if(endpoints.scope = 'market', claims.inst_id, claims.account_id)
        and windows.window_to_at > claims.opened_at - interval '1 hour'
        and windows.window_from_at <= claims.liquidated_at + interval '1 hour'
where
    claims.verdict <> 'undetermined'
    and not windows.is_complete
    and not (claims.verdict = 'rejected' and claims.reason_codes = ['LIVE_ENV'])
