-- Every check but the two that need the answers of all others: OVER_LIMIT and ONCE.
with

unioned as (
    select * from {{ ref('int_claim_checks__evidence_complete') }}
    union all by name
    select * from {{ ref('int_claim_checks__key_read_only') }}
    union all by name
    select * from {{ ref('int_claim_checks__live_env') }}
    union all by name
    select * from {{ ref('int_claim_checks__root_unique') }}
    union all by name
    select * from {{ ref('int_claim_checks__account_bound') }}
    union all by name
    select * from {{ ref('int_claim_checks__order_exists') }}
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
    union all by name
    select * from {{ ref('int_claim_checks__not_induced') }}
    union all by name
    select * from {{ ref('int_claim_checks__not_hedged') }}
    union all by name
    select * from {{ ref('int_claim_checks__thin_market') }}
    union all by name
    select * from {{ ref('int_claim_checks__velocity') }}
    union all by name
    select * from {{ ref('int_claim_checks__edge_add') }}
    union all by name
    select * from {{ ref('int_claim_checks__stop_moved') }}
    union all by name
    select * from {{ ref('int_claim_checks__withdrawn') }}
    union all by name
    select * from {{ ref('int_claim_checks__review') }}
),

-- A check that knows no review has no such column.
held as (
    select * replace (coalesce(is_hold, false) and result = 'fail' as is_hold)
    from unioned
)

select * from held
