-- What is landed once: who there is, what was sold, filed and fetched, and the markets.
create view landed_accounts as
select
    account_id, exchange, uid, 'r' || uid as root_uid, wallet, $from_ms - 86400000 as created_at_ms
from accounts;

create view landed_bindings as
select
    'b' || account_no as binding_id, account_id, exchange, uid, wallet, wallet as signer,
    'n' || account_no as nonce, $from_ms - 86400000 as signed_at_ms,
    $from_ms - 86400000 as created_at_ms
from accounts;

create view landed_account_configs as
select
    exchange, account_id, 'account-config' as endpoint, uid, 'r' || uid as root_uid,
    'read_only' as permissions, true as is_read_only, 'live' as environment,
    'net_mode' as position_mode, $from_ms - 86400000 as taken_at_ms,
    sha256('config' || account_id) as reply_sha256
from accounts
where account_id in (select account_id from policies);

create view landed_leverages as
select
    exchange, account_id, 'leverage' as endpoint, inst_id, null::varchar as position_slot,
    'isolated' as margin_mode, '20' as leverage, $from_ms - 86400000 as taken_at_ms,
    sha256('leverage' || account_id) as reply_sha256
from policies;

create view landed_instruments as
select
    exchange, 'instruments' as endpoint, asset || suffix as inst_id, 'perpetual' as inst_type,
    'linear' as contract_type, asset as base_asset, 'USDT' as settle_currency,
    cast(size_milli * 0.001 as varchar) as contract_size, '100' as max_leverage,
    'live' as state, $from_ms - 86400000 as taken_at_ms, sha256(exchange) as reply_sha256
from venues cross join assets;

create view landed_endpoints as
select exchange, endpoint, scope, endpoint = 'fills' as has_fills
from venues
cross join (values
    ('orders', 'account'), ('fills', 'account'), ('ledger', 'account'), ('positions', 'account'),
    ('mark-candles', 'market')
) as listed (endpoint, scope);

create view landed_quotes as
select
    quote_id, 'q' || account_no as reference, wallet, account_id,
    'seed-v1' as product_version, sha256('terms') as terms_hash, inst_id, 20::int as leverage,
    principal_micro as principal_micro_usdc, 5000000::bigint as premium_micro_usdc,
    450000::bigint as payout_rate_ppm, cap_micro as max_payout_micro_usdc,
    86400::bigint as cover_seconds, 1800::bigint as wait_seconds,
    86400::bigint as filing_grace_seconds, purchased_ms - 60000 as created_at_ms
from policies;

create view landed_policy_purchases as
select
    31337::bigint as chain_id, '0xpool' as pool, sha256('bought' || quote_id) as tx_hash,
    0::int as log_index, purchased_ms // 1000 as block_number, sha256(quote_id) as block_hash,
    purchased_ms as block_time_ms, quote_id, wallet as buyer, 5000000::bigint as premium_micro_usdc,
    cap_micro as max_payout_micro_usdc, sha256('terms') as terms_hash
from policies;

create view landed_deposits as
select
    31337::bigint as chain_id, '0xpool' as pool, sha256('deposit') as tx_hash, 0::int as log_index,
    1::bigint as block_number, sha256('block') as block_hash,
    $from_ms - 86400000 as block_time_ms, '0xowner' as depositor,
    10000000000000::bigint as amount_micro_usdc;

-- Kind 17 names an order that never was, kind 19 is filed a second time.
create view landed_claims as
with filed as (
    select *, filed_ms as at_ms from claimed
    union all
    select * replace (filing_id || 'b' as filing_id), filed_ms + 60000
    from claimed
    where kind = 19
)
select
    filing_id, 'c' || filing_id as reference, quote_id as policy_id, wallet as claimed_by, inst_id,
    if(kind = 17, 'x' || order_id, order_id) as order_id, at_ms as filed_at_ms,
    at_ms as created_at_ms
from filed;

create view landed_order_lookups as
select
    exchange, filing_id, account_id, inst_id, 'x' || order_id as order_id,
    cast(attempt as int) as attempt_no, 'not_found' as outcome,
    filed_ms + attempt * 400000 as looked_up_at_ms, sha256(filing_id || attempt) as reply_sha256
from claimed
cross join range(3) as attempts (attempt)
where kind = 17;

create view landed_stops as
select
    exchange, account_id, 'stops' as endpoint, inst_id, 's' || account_no as stop_id,
    if(sign > 0, 'long', 'short') as position_side, cents(entry_cents) as trigger_price,
    'canceled' as state, opened_ms - 7200000 as created_at_ms, opened_ms - 3600000 as updated_at_ms,
    open_reply as reply_sha256
from claimed;

-- While an account is insured, each hour of each listing; kind 18 lacks one.
create view landed_fetch_windows as
with hours as (
    select
        policies.exchange, account_id, endpoint, gap_ms,
        unnest(range(
            watched_from_ms - watched_from_ms % 3600000, watched_to_ms, 3600000
        )) as hour_ms
    from policies
    inner join landed_endpoints using (exchange)
    where scope = 'account'
    union all
    select
        exchange, inst_id, 'mark-candles', null,
        unnest(range($from_ms, $from_ms + 5184000000, 3600000))
    from landed_instruments
)
select
    exchange, account_id, endpoint, hour_ms as window_from_ms, hour_ms + 3600000 as window_to_ms,
    1::int as pages, 1::int as row_count,
    not (endpoint = 'ledger' and hour_ms is not distinct from gap_ms) as is_complete,
    null::varchar as last_cursor, if(is_complete, null, 'the listing ended early') as gap_reason,
    hour_ms + 3700000 as fetched_at_ms
from hours;

create view landed_candles as
with minutes as (
    select
        exchange, asset || suffix as inst_id, kind, minute_ms,
        mark_cents(base_cents, minute_ms) * level // 10000 as middle
    from venues
    cross join assets
    cross join (values ('mark'), ('trade')) as kinds (kind)
    cross join range($from_ms, $from_ms + 5184000000, 60000) as each_minute (minute_ms)
)
select
    exchange, kind || '-candles' as endpoint, inst_id, kind, minute_ms as minute_at_ms,
    cents(middle) as open_price, cents(middle * 1002 // 1000) as high_price,
    cents(middle * 998 // 1000) as low_price, cents(middle) as close_price,
    if(kind = 'trade', '50000000', null) as quote_volume, true as is_final,
    sha256(inst_id || minute_ms // 6000000) as reply_sha256
from minutes;
