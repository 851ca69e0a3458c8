-- Harm: premium that is neither earned nor unearned is in nobody's books.
select
    valuation_id,
    written_micro_usdc,
    earned_micro_usdc,
    unearned_micro_usdc
from {{ ref('fct_fund_valuations') }}
where earned_micro_usdc + unearned_micro_usdc <> written_micro_usdc
