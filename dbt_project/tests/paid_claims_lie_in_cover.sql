-- Harm: a position opened before the cover, or closed outside it, is paid.
select
    items.claim_id,
    claims.opened_at,
    claims.liquidated_at,
    claims.cover_start_at,
    claims.cover_end_at
from {{ ref('fct_payout_items') }} as items
inner join {{ ref('int_claims__evidenced') }} as claims using (claim_id)
where
    claims.opened_at < claims.cover_start_at
    or claims.liquidated_at < claims.cover_start_at
    or claims.liquidated_at >= claims.cover_end_at
    or claims.filed_at > claims.file_until_at
