-- The benchmark's world as tables in the landed columns. Everything follows from $seed through
-- hash(), so one seed and size always give the same rows. Prices count cents, sizes thousandths.
create table assets as
select * from (values
    (0, 'BTC', 6000000, 1, 32), (1, 'ETH', 300000, 10, 64), (2, 'SOL', 15000, 1000, 12)
) as listed (asset_no, asset, base_cents, size_milli, base_qty);

create table venues as
select * from (values
    (0, 'okx', '-USDT-SWAP', 10000), (1, 'bybit', 'USDT', 10005)
) as listed (venue_no, exchange, suffix, level);

create macro pick(key, salt, choices) as
    cast(hash($seed, key, salt) % choices as bigint);
create macro mark_cents(base_cents, at_ms) as
    cast(round(base_cents * (1 + 0.02 * sin(2 * pi() * at_ms / 604800000))) as bigint);
create macro money(amount_e5) as cast(cast(amount_e5 as decimal(18, 0)) * 0.00001 as varchar);
create macro cents(amount_cents) as cast(cast(amount_cents as decimal(16, 0)) * 0.01 as varchar);

-- Few accounts are liquidated: claimants once (insured), gamblers ten times (not insured).
create table accounts as
select
    account_no,
    case
        when account_no < $claims then 'claimant'
        when account_no < $claims + $gamblers then 'gambler'
        when account_no < $claims + $gamblers + $insured then 'insured'
        else 'other'
    end as role,
    account_no % 20 as kind,
    venues.exchange,
    venues.suffix,
    'acc_' || left(md5($seed || ':' || account_no), 12) as account_id,
    '0x' || left(sha256('wallet' || $seed || ':' || account_no), 40) as wallet,
    'u' || (100000000 + account_no) as uid,
    if(pick(account_no, 'slots', 2) = 0, null, 'net') as fixed_slot
from range($accounts) as numbered (account_no)
inner join venues on venues.venue_no = hash($seed, account_no, 'venue') % 2;

-- Flat to flat, twelve to an account, one in each five days.
create table episodes as
with
drawn as (
    select
        accounts.*,
        assets.*,
        turn,
        account_no * 12 + turn as episode_no,
        case role
            when 'claimant' then turn = pick(account_no, 'claimed', 12)
            else false
        end as is_claimed,
        if(pick(episode_no, 'side', 2) = 0, 1, -1) as sign,
        $from_ms + turn * 432000000 + 7200000 + pick(episode_no, 'opened', 300000000)
            as opened_ms,
        opened_ms + 600000 + pick(episode_no, 'held', 36000000) as closed_ms,
        base_qty * case
            when hash($seed, episode_no, 'big') % 64 = 0 then 3
            when hash($seed, episode_no, 'big') % 8 < 5 then 1
            else 2
        end as qty,
        role = 'gambler' and turn < 10
        or is_claimed and kind not in (11, 17) as is_forced,
        is_claimed and kind in (9, 10) as is_partial
    from accounts
    cross join range(12) as turns (turn)
    inner join assets on assets.asset_no = hash($seed, account_no * 12 + turn, 'asset') % 3
),
priced as (
    select
        *,
        asset || suffix as inst_id,
        coalesce(fixed_slot, if(sign > 0, 'long', 'short')) as position_slot,
        if(sign > 0, 'buy', 'sell') as open_side,
        if(sign > 0, 'sell', 'buy') as close_side,
        case
            when not is_forced then 'own_close'
            when is_partial then 'partial'
            else 'full'
        end as forced_kind,
        if(is_claimed and kind = 13, 50, 20) as leverage,
        mark_cents(base_cents, closed_ms) as exit_cents,
        if(
            is_forced,
            cast(round(
                exit_cents / (1 - sign * if(is_claimed and kind = 8, 0.016, 0.045))
            ) as bigint),
            mark_cents(base_cents, opened_ms)
        ) as entry_cents
    from drawn
)
select
    *,
    qty * size_milli * (4 * entry_cents + 6) // 4 as opened_e5,
    sha256(account_id || ':' || turn || ':opened') as open_reply,
    sha256(account_id || ':' || turn || ':closed') as close_reply
from priced
where episode_no < $episodes;

-- A claimed close with its policy: bought before the opening, but too late for kind 12.
create table claimed as
select
    *,
    cast(600000000000000000 + episode_no * 8 + 1 as varchar) as order_id,
    closed_ms + if(is_partial, 700, 2100) as liquidated_ms,
    '0x' || sha256('quote' || account_id) as quote_id,
    opened_ms - if(kind = 12, -60000, 4000000) as purchased_ms,
    liquidated_ms + 1800000 + pick(account_no, 'filed', 3600000) as filed_ms,
    if(account_no % 7 = 0, 120000000, 100000000)::bigint as principal_micro,
    if(kind = 5, 30000000, principal_micro * 450000 // 1000000) as cap_micro,
    'f' || account_no as filing_id
from episodes
where is_claimed;

-- Policies on which nothing was claimed, and those of the claims.
create table policies as
select
    account_no, account_id, exchange, wallet, inst_id, quote_id, purchased_ms, principal_micro,
    cap_micro,
    least(purchased_ms, opened_ms) - 7200000 as watched_from_ms,
    greatest(filed_ms + 7200000, purchased_ms + 90000000) as watched_to_ms,
    if(kind = 18, opened_ms - opened_ms % 3600000, null) as gap_ms
from claimed
union all
select
    account_no, account_id, exchange, wallet, inst_id,
    '0x' || sha256('quote' || account_id) as quote_id,
    opened_ms - 4000000 as purchased_ms, 100000000, 45000000,
    purchased_ms - 7200000, purchased_ms + 90000000, null
from episodes
where role = 'insured' and turn = 3;
