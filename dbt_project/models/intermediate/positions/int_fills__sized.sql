with

fills as (
    select * from {{ ref('int_fills__deduplicated') }}
),

instruments as (
    select * from {{ ref('int_instruments__versioned') }}
),

sized as (
    {{ sized_fills('fills', 'instruments') }}
)

select * from sized
