with

accounts as (
    select * from {{ ref('stg_intake__accounts') }}
),

latest_configs as (
    select *
    from {{ ref('stg_exchanges__account_configs') }}
    qualify row_number() over (partition by exchange, account_id order by taken_at desc) = 1
),

identified as (
    select
        accounts.exchange,
        accounts.account_id,
        latest_configs.uid as venue_uid,
        latest_configs.reply_sha256 as config_reply_sha256,
        latest_configs.uid is not null as has_config,
        latest_configs.root_uid as venue_root_uid,
        latest_configs.is_read_only,
        latest_configs.key_permissions,
        latest_configs.environment,
        -- Names events even where the venue does not tell the root; ROOT_UNIQUE does not read it.
        coalesce(
            latest_configs.root_uid,
            latest_configs.uid,
            nullif(accounts.root_uid, ''),
            accounts.uid
        ) as root_uid
    from accounts
    left join latest_configs
        on
            accounts.exchange = latest_configs.exchange
            and accounts.account_id = latest_configs.account_id
)

select * from identified
