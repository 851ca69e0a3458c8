-- Harm: an hour that failed to load looks like an hour in which nothing happened.
select
    claims.claim_id,
    claims.verdict,
    windows.endpoint,
    windows.window_from_at
from {{ ref('int_claims__decided') }} as claims
inner join {{ ref('stg_exchanges__fetch_windows') }} as windows
    on
        claims.exchange = windows.exchange
        and windows.account_id in (claims.account_id, claims.inst_id)
        and windows.window_to_at > claims.opened_at - interval '1 hour'
        and windows.window_from_at <= claims.liquidated_at + interval '1 hour'
where
    claims.verdict <> 'undetermined'
    and not windows.is_complete
    and windows.endpoint <> 'account_config'
