-- Harm: the history says a policy covered a time it was not sold for.
-- A purchase whose hour was read after its last move is for the next registration.
select
    stretches.policy_id,
    stretches.stretch_no
from {{ ref('dim_policies') }} as stretches
inner join {{ ref('int_policies__bought') }} as policies using (policy_id)
inner join
    (
        select
            policy_id,
            arg_max(moved_at, txn_no) filter (where to_state = 'PAID') as paid_at
        from {{ ref('stg_lifecycle__policy_txns') }}
        group by policy_id
    ) as bought
    on stretches.policy_id = bought.policy_id and policies.purchased_at = bought.paid_at
where
    stretches.is_in_force
    and (
        stretches.valid_from_at < policies.cover_start_at
        or stretches.valid_to_at > policies.cover_end_at
    )
