-- Parts of a cover around the opening of a liquidated position in the same asset in which fills of
-- the insured account were not read completely: a position that offsets it may be there unseen.
with

policies as (
    select * from {{ ref('int_policies__bought') }}
    where is_bought and cover_start_at < cover_end_at
),

-- No position of a demo account is real.
accounts as (
    select * from {{ ref('int_accounts__identified') }}
    where environment is distinct from 'demo'
),

instruments as (
    select distinct
        exchange,
        inst_id,
        base_asset
    from {{ ref('int_instruments__versioned') }}
),

closes as (
    select * from {{ ref('int_closes__measured') }} where opened_at is not null
),

endpoints as (
    select * from {{ ref('stg_exchanges__endpoints') }} where has_fills
),

windows as (
    select windows.*
    from {{ ref('stg_exchanges__fetch_windows') }} as windows
    semi join endpoints using (exchange, endpoint)
),

limits as (
    {{ thresholds() }}
),

-- A key that was refused whenever it was used: its policy can be paid nothing, and it must not
-- hold up every claim of its asset.
never_readable as (
    select
        exchange,
        account_id
    from windows
    group by exchange, account_id
    having bool_or(is_refused) and not bool_or(is_complete)
),

hours_of_openings as (
    select distinct
        closes.base_asset,
        unnest({{ hours_touched(
            'closes.opened_at - to_seconds(limits.hedge_window_seconds)',
            'closes.opened_at + to_seconds(limits.hedge_window_seconds)'
        ) }}) as hour_at
    from closes
    cross join limits
    where {{ is_liquidation('closes.forced_kind') }}
),

covered as (
    select
        accounts.exchange,
        accounts.account_id,
        instruments.base_asset,
        policies.cover_start_at,
        policies.cover_end_at,
        unnest({{ hours_touched(
            'policies.cover_start_at', "policies.cover_end_at - interval '1 millisecond'"
        ) }}) as hour_at
    from policies
    inner join accounts on policies.account_id = accounts.account_id
    inner join instruments
        on accounts.exchange = instruments.exchange and policies.inst_id = instruments.inst_id
    anti join never_readable
        on
            accounts.exchange = never_readable.exchange
            and accounts.account_id = never_readable.account_id
),

needed as (
    select
        covered.*,
        endpoints.endpoint
    from covered
    semi join hours_of_openings
        on
            covered.base_asset = hours_of_openings.base_asset
            and covered.hour_at = hours_of_openings.hour_at
    inner join endpoints on covered.exchange = endpoints.exchange
),

unread as (
    select needed.*
    from needed
    anti join windows
        on
            needed.exchange = windows.exchange
            and needed.account_id = windows.account_id
            and needed.endpoint = windows.endpoint
            and needed.hour_at = windows.window_from_at
            and windows.is_complete
),

-- Written as the raw table of a package holds them.
written as (
    select distinct
        {{ pseudonym("exchange || ':' || account_id") }} as account_key,
        base_asset,
        epoch_ms(greatest(hour_at, cover_start_at)) as unread_from_ms,
        epoch_ms(least(hour_at + interval '1 hour', cover_end_at)) as unread_to_ms
    from unread
)

select * from written
