with

source as (
    select * from {{ source('evidence', 'unread_accounts') }}
),

selected as (
    select
        account_key,
        base_asset,
        unread_from_ms,
        unread_to_ms
    from source
),

deduplicated as (
    select *
    from selected
    {{ latest_by(
        ['account_key', 'base_asset', 'unread_from_ms'], ['unread_to_ms desc']
    ) }}
)

select * from deduplicated
