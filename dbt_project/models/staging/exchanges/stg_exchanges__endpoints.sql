with

source as (
    select * from {{ source('exchanges', 'endpoints') }}
),

renamed as (
    select
        exchange,
        endpoint,
        scope
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(
        ['exchange', 'endpoint'],
        ['scope']
    ) }}
)

select * from deduplicated
