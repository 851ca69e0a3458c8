-- The accounts with a forced close or a filing: the rows of all others are never cast or sorted.
with

reported as (
    select * from {{ ref('int_closes__reported') }}
),

filings as (
    select * from {{ ref('int_filings__placed') }}
),

nominated as (
    select
        exchange,
        account_id
    from reported

    union

    select
        exchange,
        account_id
    from filings
)

select * from nominated
