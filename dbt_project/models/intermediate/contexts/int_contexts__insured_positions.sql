-- Exported for a claim: the positions of its asset opened around its own, itself left out.
with

positions as (
    select * from {{ ref('int_positions__insured') }}
),

brought as (
    select * from {{ ref('stg_evidence__insured_positions') }}
),

unioned as (
    select
        *,
        false as is_brought
    from positions
    union all by name
    select
        *,
        true as is_brought
    from brought
),

known as (
    select * exclude (is_brought)
    from unioned
    qualify row_number() over (partition by position_key, party_key order by is_brought) = 1
)

select * from known
