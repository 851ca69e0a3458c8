-- Harm: a clock that runs ahead, or a wrong unit of time, puts events inside covers not theirs.
select
    claim_id,
    notified_at,
    liquidated_at
from {{ ref('fct_claims') }}
where
    greatest(notified_at, liquidated_at)
    > {{ to_time(env_var('LEVERAGEGUARD_AS_OF_MS', '4102444800000')) }}
