-- Harm: one quote bought on two chains takes two premiums for one cover.
select
    quote_id,
    count(*) as purchase_count
from {{ ref('stg_chain__policy_purchases') }}
group by quote_id
having count(*) > 1
