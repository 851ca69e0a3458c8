with

accounts as (
    select * from {{ ref('stg_intake__accounts') }}
),

bound as (
    select
        account_id,
        exchange,
        wallet,
        created_at
    from accounts
)

select * from bound
