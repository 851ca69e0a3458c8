-- The trial balance: what each account stands at, debits positive.
with

balances as (
    select * from {{ ref('fct_ledger_balances') }}
),

summed as (
    select
        account,
        account_type,
        normal_side,
        cast(sum(debit_micro_usdc) as bigint) as debit_micro_usdc,
        cast(sum(credit_micro_usdc) as bigint) as credit_micro_usdc,
        cast(sum(change_micro_usdc) as bigint) as balance_micro_usdc
    from balances
    group by account, account_type, normal_side
)

select * from summed
