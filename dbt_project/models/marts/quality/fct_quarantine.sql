with

quarantined as (
    select * from {{ ref('stg_quality__quarantined_rows') }}
)

select * from quarantined
