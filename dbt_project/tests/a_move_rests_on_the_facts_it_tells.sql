-- Harm: the facts beside a move are not those it was decided on.
select
    policy_id,
    txn_no
from {{ ref('fct_policy_transactions') }}
where inputs_hash <> '0x' || sha256(detail)
