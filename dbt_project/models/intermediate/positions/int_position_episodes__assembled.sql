with

legs as (
    select * from {{ ref('int_position_legs__numbered') }}
),

assembled as (
    {{ assembled_episodes('legs') }}
)

select * from assembled
