-- Money is what the books say on the day it happened. A premium is earned with the cover that ran,
-- that of a cancelled policy at once as far as it was kept.
with

days as (
    select * from {{ ref('dim_days') }}
),

entries as (
    select * from {{ ref('fct_ledger_entries') }}
),

policies as (
    select * from {{ ref('fct_policies') }}
),

claims as (
    select * from {{ ref('rpt_claims') }}
),

booked as (
    select
        cast(occurred_at as date) as book_date,
        -sum(amount_micro_usdc) filter (
            where account in ('premium:written', 'premium:loyalty_surcharge')
        ) as written_micro_usdc,
        sum(amount_micro_usdc) filter (where account = 'premium:refunded') as refunded_micro_usdc,
        sum(amount_micro_usdc) filter (where account = 'claims:paid') as paid_micro_usdc,
        sum(amount_micro_usdc) filter (
            where account in ('claims:reserve_change', 'claims:ibnr_change')
        ) as reserved_micro_usdc,
        -sum(amount_micro_usdc) filter (where account = 'claims:recovered')
            as recovered_micro_usdc,
        sum(amount_micro_usdc) filter (where account = 'expense:gas') as gas_micro_usdc,
        sum(amount_micro_usdc) filter (where account = 'expense:referral') as referral_micro_usdc
    from entries
    group by book_date
),

sold as (
    select
        cast(purchased_at as date) as book_date,
        count(*) as policy_count
    from policies
    group by book_date
),

-- Cover that ran on the day, in seconds of policies.
run as (
    select
        days.day_date as book_date,
        policies.premium_micro_usdc,
        epoch(policies.cover_end_at) - epoch(policies.cover_start_at) as cover_seconds,
        epoch(least(policies.cover_end_at, days.ends_at, days.as_of_at))
        - epoch(greatest(policies.cover_start_at, days.starts_at)) as run_seconds
    from days
    inner join policies
        on
            policies.cover_start_at < least(days.ends_at, days.as_of_at)
            and days.starts_at < policies.cover_end_at
    where policies.cancelled_at is null
),

exposed as (
    select
        book_date,
        sum(run_seconds) as exposed_seconds,
        sum(premium_micro_usdc * run_seconds / cover_seconds) as earned_micro_usdc
    from run
    group by book_date
),

kept as (
    select
        cast(cancelled_at as date) as book_date,
        sum(premium_micro_usdc - refund_micro_usdc) as earned_micro_usdc
    from policies
    where cancelled_at is not null
    group by book_date
),

notified as (
    select
        cast(notified_at as date) as book_date,
        count(*) as notified_count
    from claims
    group by book_date
),

paid as (
    select
        cast(paid_at as date) as book_date,
        count(*) as paid_count
    from claims
    where paid_at is not null
    group by book_date
),

joined as (
    select
        days.day_date as book_date,
        cast(coalesce(booked.written_micro_usdc, 0) as bigint) as written_micro_usdc,
        cast(coalesce(booked.refunded_micro_usdc, 0) as bigint) as refunded_micro_usdc,
        cast(
            coalesce(exposed.earned_micro_usdc, 0) + coalesce(kept.earned_micro_usdc, 0) as bigint
        ) as earned_micro_usdc,
        cast(coalesce(booked.paid_micro_usdc, 0) as bigint) as paid_micro_usdc,
        cast(coalesce(booked.recovered_micro_usdc, 0) as bigint) as recovered_micro_usdc,
        cast(
            coalesce(booked.paid_micro_usdc, 0) + coalesce(booked.reserved_micro_usdc, 0)
            - coalesce(booked.recovered_micro_usdc, 0) as bigint
        ) as incurred_micro_usdc,
        cast(coalesce(booked.gas_micro_usdc, 0) as bigint) as gas_micro_usdc,
        cast(coalesce(booked.referral_micro_usdc, 0) as bigint) as referral_micro_usdc,
        coalesce(sold.policy_count, 0) as policy_count,
        cast(coalesce(exposed.exposed_seconds, 0) as bigint) as exposed_seconds,
        coalesce(notified.notified_count, 0) as notified_count,
        coalesce(paid.paid_count, 0) as paid_count
    from days
    left join booked on days.day_date = booked.book_date
    left join sold on days.day_date = sold.book_date
    left join exposed on days.day_date = exposed.book_date
    left join kept on days.day_date = kept.book_date
    left join notified on days.day_date = notified.book_date
    left join paid on days.day_date = paid.book_date
)

select * from joined
