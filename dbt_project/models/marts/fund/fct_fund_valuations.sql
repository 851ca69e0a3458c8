with

valuations as (
    select * from {{ ref('stg_fund__valuations') }}
),

-- Of several valuations of one instant the one made last knows most.
told as (
    select
        *,
        row_number() over (
            partition by valued_at order by recorded_at desc, valuation_id desc
        ) = 1 as is_newest_of_its_instant
    from valuations
)

select * from told
