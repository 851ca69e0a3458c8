-- The positions of the accounts with a nominated order, leg by leg.
with

fills as (
    select * from {{ ref('int_fills__sized') }}
),

{{ numbered_legs('fills') }}

select * from named
