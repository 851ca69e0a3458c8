-- Harm: at some instant a policy is in two states or in none, and what was in force is unknown.
with

following as (
    select
        *,
        lead(valid_from_at) over in_time as next_from_at,
        row_number() over in_time as place
    from {{ ref('dim_policies') }}
    window in_time as (partition by policy_id order by valid_from_at)
)

select
    policy_id,
    stretch_no
from following
where
    valid_to_at is distinct from next_from_at
    or valid_from_at >= valid_to_at
    or stretch_no <> place
