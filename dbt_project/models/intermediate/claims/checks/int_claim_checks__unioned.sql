-- Every check but ONCE, which needs the answers of all others.
with

unioned as (
    select * from {{ ref('int_claim_checks__evidence_complete') }}
    union all by name
    select * from {{ ref('int_claim_checks__order_exists') }}
    union all by name
    select * from {{ ref('int_claim_checks__account_bound') }}
    union all by name
    select * from {{ ref('int_claim_checks__forced_kind') }}
    union all by name
    select * from {{ ref('int_claim_checks__sources_agree') }}
    union all by name
    select * from {{ ref('int_claim_checks__in_cover') }}
    union all by name
    select * from {{ ref('int_claim_checks__terms') }}
    union all by name
    select * from {{ ref('int_claim_checks__price_touched') }}
    union all by name
    select * from {{ ref('int_claim_checks__loss_consistent') }}
)

select * from unioned
