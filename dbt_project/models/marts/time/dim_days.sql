with

policies as (
    select * from {{ ref('fct_policies') }}
),

claims as (
    select * from {{ ref('fct_claims') }}
),

moments as (
    select purchased_at as seen_at from policies
    union all
    select notified_at as seen_at from claims
),

bounds as (
    select
        coalesce(min(cast(seen_at as date)), cast({{ as_of() }} as date)) as first_date,
        cast({{ as_of() }} as date) as last_date
    from moments
),

-- Session time is UTC: a day is a UTC day.
days as (
    select
        cast(
            unnest(generate_series(first_date, last_date, interval '1 day')) as date
        ) as day_date
    from bounds
),

bounded as (
    select
        day_date,
        cast(day_date as timestamptz) as starts_at,
        cast(day_date as timestamptz) + interval '1 day' as ends_at,
        {{ as_of() }} as as_of_at
    from days
)

select * from bounded
