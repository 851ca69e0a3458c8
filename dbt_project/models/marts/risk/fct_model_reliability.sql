-- What each model said against what was seen on days it did not know, by tenth of the chance said.
with

registered as (
    select
        model_version,
        unnest(cast(metrics -> '$.reliability' as json[])) as bin,
        generate_subscripts(cast(metrics -> '$.reliability' as json[]), 1) - 1 as bin_no
    from {{ ref('stg_risk__models') }}
    where model_version not in (select model_version from {{ ref('model_scores') }})
),

bins as (
    select
        model_version,
        bin_no,
        row_count,
        said_ppm,
        seen_ppm
    from {{ ref('model_reliability') }}
    union all
    select
        model_version,
        bin_no,
        cast(bin ->> '$.rows' as bigint) as row_count,
        cast(bin ->> '$.said_ppm' as bigint) as said_ppm,
        cast(bin ->> '$.seen_ppm' as bigint) as seen_ppm
    from registered
)

select * from bins
