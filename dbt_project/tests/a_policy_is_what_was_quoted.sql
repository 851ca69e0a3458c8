-- Harm: terms on the chain that nobody quoted, or a quote another wallet bought.
select
    purchases.quote_id,
    purchases.buyer,
    quotes.wallet
from {{ ref('stg_chain__policy_purchases') }} as purchases
left join {{ ref('stg_intake__quotes') }} as quotes using (quote_id)
where
    quotes.quote_id is null
    or purchases.buyer <> quotes.wallet
    or purchases.premium_micro_usdc <> quotes.premium_micro_usdc
    or purchases.max_payout_micro_usdc <> quotes.max_payout_micro_usdc
    or purchases.terms_hash <> quotes.terms_hash
