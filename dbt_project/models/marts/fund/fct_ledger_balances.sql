with

accounts as (
    select * from {{ ref('ledger_accounts') }}
),

-- Session time is UTC: a day is a UTC day.
changes as (
    select
        account,
        cast(occurred_at as date) as booked_on,
        cast(sum(greatest(amount_micro_usdc, 0)) as bigint) as debit_micro_usdc,
        cast(sum(greatest(-amount_micro_usdc, 0)) as bigint) as credit_micro_usdc
    from {{ ref('stg_fund__ledger_entries') }}
    group by account, booked_on
),

balanced as (
    select
        changes.account,
        accounts.account_type,
        accounts.normal_side,
        changes.booked_on,
        changes.debit_micro_usdc,
        changes.credit_micro_usdc,
        changes.debit_micro_usdc - changes.credit_micro_usdc as change_micro_usdc,
        cast(
            sum(changes.debit_micro_usdc - changes.credit_micro_usdc) over (
                partition by changes.account order by changes.booked_on rows unbounded preceding
            ) as bigint
        ) as balance_micro_usdc
    from changes
    left join accounts on changes.account = accounts.account
)

select * from balanced
