-- Harm: a policy reached a state that no rule leads to, and nobody can say why it stands there.
with

numbered as (
    select
        *,
        lag(to_state) over (partition by policy_id order by txn_no) as stood_in,
        row_number() over (partition by policy_id order by txn_no) as place
    from {{ ref('stg_lifecycle__policy_txns') }}
)

select
    moves.policy_id,
    moves.txn_no
from numbered as moves
left join {{ ref('state_edges') }} as edges
    on
        edges.machine = 'policy'
        and moves.from_state is not distinct from edges.from_state
        and moves.to_state = edges.to_state
        and moves.rule_id = edges.rule_id
where
    edges.to_state is null
    or moves.from_state is distinct from moves.stood_in
    or moves.txn_no <> moves.place
