-- Every claim on a liquidation with whether it could be paid, and every payout already planned on
-- one, even of a claim that is gone.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }} where liquidation_event_id is not null
),

screened as (
    select * from {{ ref('int_claims__screened') }}
),

planned as (
    select * from {{ ref('stg_settlement__payouts') }}
),

brought as (
    select * from {{ ref('stg_evidence__rival_claims') }}
),

own as (
    select
        claims.event_key,
        claims.claim_id,
        epoch_ms(claims.notified_at) as notified_at_ms,
        screened.is_contender,
        false as is_planned
    from claims
    inner join screened on claims.claim_id = screened.claim_id
),

unioned as (
    select * from own
    union all by name
    select
        {{ pseudonym('liquidation_event_id') }} as event_key,
        claim_id,
        null::bigint as notified_at_ms,
        null::boolean as is_contender,
        true as is_planned
    from planned
    union all by name
    select * from brought
),

rivals as (
    select
        event_key,
        claim_id,
        min(notified_at_ms) as notified_at_ms,
        coalesce(bool_or(is_contender), false) as is_contender,
        bool_or(is_planned) as is_planned
    from unioned
    group by event_key, claim_id
)

select * from rivals
