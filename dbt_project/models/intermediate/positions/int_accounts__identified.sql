with

accounts as (
    select * from {{ ref('stg_intake__accounts') }}
),

latest_configs as (
    select *
    from {{ ref('stg_okx__account_configs') }}
    qualify row_number() over (partition by exchange, account_id order by taken_at desc) = 1
),

identified as (
    select
        accounts.exchange,
        accounts.account_id,
        latest_configs.uid as venue_uid,
        latest_configs.reply_sha256 as config_reply_sha256,
        latest_configs.uid is not null as has_config,
        coalesce(latest_configs.root_uid, nullif(accounts.root_uid, ''), accounts.uid) as root_uid
    from accounts
    left join latest_configs
        on
            accounts.exchange = latest_configs.exchange
            and accounts.account_id = latest_configs.account_id
)

select * from identified
