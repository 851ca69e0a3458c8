with

source as (
    select * from {{ source('exchanges', 'endpoints') }}
),

renamed as (
    select
        exchange,
        endpoint,
        scope,
        -- Landed before it was said: any listing of an account may bring its fills.
        coalesce(has_fills, scope = 'account') as has_fills
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(
        ['exchange', 'endpoint'],
        ['scope', 'has_fills desc']
    ) }}
)

select * from deduplicated
