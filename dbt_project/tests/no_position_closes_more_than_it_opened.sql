-- Harm: closed shares of one position add up to more than the whole.
select
    episode_id,
    opened_qty_contracts,
    closed_qty_contracts
from {{ ref('int_position_episodes__assembled') }}
where opened_at is not null and closed_qty_contracts > opened_qty_contracts
