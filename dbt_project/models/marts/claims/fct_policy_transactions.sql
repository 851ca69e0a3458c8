with

moves as (
    select * from {{ ref('stg_lifecycle__policy_txns') }}
),

edges as (
    select * from {{ ref('state_edges') }} where machine = 'policy'
),

described as (
    select
        concat_ws(':', moves.policy_id, moves.txn_no) as policy_txn_id,
        moves.policy_id,
        moves.txn_no,
        moves.from_state,
        moves.to_state,
        moves.moved_at,
        moves.recorded_at,
        moves.actor,
        moves.rule_id,
        edges.description,
        moves.inputs_hash,
        moves.detail
    from moves
    left join edges
        on
            moves.from_state is not distinct from edges.from_state
            and moves.to_state = edges.to_state
            and moves.rule_id = edges.rule_id
)

select * from described
