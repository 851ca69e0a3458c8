with

moves as (
    select * from {{ ref('stg_lifecycle__claim_txns') }}
),

edges as (
    select * from {{ ref('state_edges') }} where machine = 'claim'
),

described as (
    select
        moves.claim_id,
        moves.txn_no,
        moves.policy_id,
        moves.from_state,
        moves.to_state,
        moves.rule_id,
        edges.mover,
        edges.description as edge_description,
        moves.actor,
        moves.moved_at,
        moves.recorded_at,
        moves.inputs_hash,
        moves.reserve_micro_usdc,
        moves.txn_no = max(moves.txn_no) over (partition by moves.claim_id) as is_latest
    from moves
    left join edges
        on
            coalesce(moves.from_state, '') = coalesce(edges.from_state, '')
            and moves.to_state = edges.to_state
            and moves.rule_id = edges.rule_id
)

select * from described
