-- Harm: a move that was lost or slipped in makes a life that never was look like one that was.
with

followed as (
    select
        claim_id,
        txn_no,
        from_state,
        lag(to_state) over life as state_before,
        row_number() over life as place
    from {{ ref('fct_claim_transactions') }}
    window life as (partition by claim_id order by txn_no)
)

select *
from followed
where txn_no <> place or coalesce(from_state, '') <> coalesce(state_before, '')
